"""What is computed once however often it is named: materialize(), toscalar(), tables read twice by one operator.

Only what is a matter of chance (rand, new_guid, sample) is written apart, as a common table expression: everything
else gives the same rows each time, and DuckDB reads less of it where it stands in its place.
Source: the documentation's pages on named expressions, materialize() and toscalar().
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.kql.bind.relation import CHANCE
from seawall.kql.errors import Fault

if TYPE_CHECKING:
    from seawall.kql.bind.relation import Ids, Rel
    from seawall.kql.bind.scope import Env
    from seawall.kql.tree import Node

_USED = re.compile(r"\bt\d+(?=\.)")
_QUOTED = re.compile(r"'[^']*'")
_MADE = re.compile(r"\bAS (t\d+)\b")


class Shared:
    """The part of the binder that keeps what may be computed only once."""

    ids: Ids

    def __init__(self) -> None:
        self.apart: list[tuple[str, str]] = []
        self.partitions: set[str] = set()
        """The tables of keys for each of which a query of its own runs: to that query a key is a constant."""
        self._rels: dict[tuple[int, int], tuple[Node, Env, Rel]] = {}
        self._texts: dict[tuple[int, int], tuple[Node, Env | None, str]] = {}

    def once(self, rel: Rel, node: Node | None = None, env: Env | None = None) -> Rel:
        """Give the same rows, computed once. With a node and the names around it: once for all its uses."""
        if not _by_chance(rel):
            return rel
        rel = rel.flush()
        text, _, alias = rel.frm.rpartition(" AS ")
        if outside(text):
            return rel  # within the query of a partition: it is computed once for each key as it is
        rel.frm = f"{self._keep(text[1:-1])} AS {alias}"
        env = _naming(env)
        if node is not None and env is not None:
            self._rels[id(node), id(env)] = (node, env, rel)
        return rel

    def kept(self, node: Node, env: Env) -> Rel | None:
        """Give what `once` has kept of a node with these names around it."""
        known = self._rels.get((id(node), id(_naming(env))))
        return known[2].again(known[2].frm.partition(" AS ")[0]) if known is not None else None

    def fixed(self, sql: str, node: Node, env: Env | None) -> str:
        """Give a value that is computed once for all uses of `node` with these names around it.

        Raises:
            Fault: it reads the row around it; Kusto computes toscalar() a constant number of times, never once a row.
        """
        around = outside(sql)
        if around - self.partitions:
            raise Fault(
                "toscalar() cannot read a column of the row around it",
                node.pos,
                hint="it is computed once for the whole query: join the two tables instead",
            )
        if around or CHANCE.search(sql) is None:
            return sql
        env = _naming(env)
        known = self._texts.get((id(node), id(env)))
        if known is None:
            known = (node, env, f"(SELECT v FROM {self._keep(f'SELECT {sql} AS v')})")
            self._texts[id(node), id(env)] = known
        return known[2]

    def _keep(self, text: str) -> str:
        self.ids.table += 1
        name = f"m{self.ids.table}"
        self.apart.append((name, text))
        return name

    def head(self) -> str:
        """Write what stands before the SELECT of the whole query."""
        if not self.apart:
            return ""
        return "WITH " + ", ".join(f"{name} AS MATERIALIZED ({text})" for name, text in self.apart) + " "


def _naming(env: Env | None) -> Env | None:
    # A call of a function without parameters makes an environment that names nothing: it is the one around it.
    while env is not None and not env.names and env.parent is not None:
        env = env.parent
    return env


def _by_chance(rel: Rel) -> bool:
    parts = (rel.frm, rel.order, *rel.where, *(col.ex.sql for col in rel.cols))
    return any(CHANCE.search(part) for part in parts)


def outside(text: str) -> set[str]:
    """Find the tables that an SQL text reads and does not bring along."""
    code = _QUOTED.sub("", text)
    return set(_USED.findall(code)) - set(_MADE.findall(code))
