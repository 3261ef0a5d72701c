"""`search` and `find`: the rows of many tables that a predicate meets.

A column that one table has and another lacks is null there; a bare text looks into every column.
Source: the documentation's pages on search and find; the order of the columns is the analyser's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.bind.names import derived
from seawall.kql.bind.nested import Nested
from seawall.kql.bind.relation import Col, Rel, types_of
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.values import Ex, literal, quote, to_string
from seawall.kql.errors import Fault
from seawall.kql.functions.core import convert
from seawall.kql.tree import Binary, Call, Expr, Lit, Name, Named, Search, Star, Union, Wild, walk

if TYPE_CHECKING:
    from collections.abc import Sequence

Found = list[tuple[str, Rel]]
"""Tables by the name that the answer gives them."""

PACKED = "pack_"


class Finding(Nested):
    """The part of the binder that reads `search` and `find`."""

    def op_search(self, node: Search, rel: Rel | None, env: Env) -> Rel:
        """Bind over the tables that are named, or over all of them."""
        branches = self.searched(node, rel, env)
        if not branches:
            raise Fault("there is no table to search", node.pos)
        types = types_of(col for _, one in branches for col in one.visible)
        named = list(dict.fromkeys(part.name for part in walk(node.predicate) if isinstance(part, Name)))
        everywhere = _looks_everywhere(node.predicate)
        exact = node.kind == "case_sensitive"
        hits: Found = []
        for label, one in branches:
            settled = one.settle()
            if node.mode == "find" and not everywhere and named and not settled.names.keys() & set(named):
                continue  # docs, find: a table with none of the columns is filtered out
            lacking = [name for name in named if name in types and name not in settled.names]
            whole = settled.replace(
                [*settled.cols, *(Col(name, literal(None, types[name][0])) for name in lacking)]
            )
            found = settled.clone()
            found.where.append(self.search_test(node.predicate, settled, whole, env, exact=exact))
            hits.append((label, found))
        if not hits:
            raise Fault("no table has the columns of this predicate", node.pos)
        if node.mode == "search":
            return self.unite(hits, "$table", inner=False, pos=node.pos)
        if node.project is not None:
            hits = self.find_project(node.project, hits, types, env)
        else:
            hits = self.find_smart(named, hits, env)
        return self.unite(hits, node.with_source or "source_", inner=False, pos=node.pos)

    def searched(self, node: Search, rel: Rel | None, env: Env) -> Found:
        """Bind the tables."""
        if rel is not None:
            return [(rel.source or "", rel)]
        tables: Sequence[Expr] = node.tables or [Name(node.pos, name) for name in self.all_tables(env)]
        out: Found = []
        for table in tables:
            if isinstance(table, Star | Wild):
                out.extend(self.union_branch(table, env, Union(table.pos, "outer", "", False, ()), 0))
            else:
                out.append((derived(table), self.table_of(table, env)))
        return out

    def find_smart(self, named: list[str], hits: Found, env: Env) -> Found:
        """Give the columns that all tables have, those that the predicate names, and the rest packed."""
        common = set.intersection(*({col.name for col in rel.visible} for _, rel in hits))
        known = {col.name for _, rel in hits for col in rel.visible}
        first = [col.name for col in hits[0][1].visible if col.name in common]
        shown = [*first, *(name for name in named if name in known - common)]
        packed = bool(known - set(shown))
        out: Found = []
        for label, rel in hits:
            cols = [rel.names[name] for name in shown if name in rel.names]
            if packed:
                cols.append(
                    Col(PACKED, self.packed([col for col in rel.visible if col.name not in shown], rel, env))
                )
            out.append((label, rel.replace(cols)))
        return _in_order(out, [*shown, PACKED] if packed else shown)

    def packed(self, cols: Sequence[Col], rel: Rel, env: Env) -> Ex:
        """Write the bag of some columns."""
        if not cols:
            return literal({}, "dynamic")
        pairs: list[Expr] = []
        for col in cols:
            pairs += [Lit(0, "string", col.name), Name(0, col.name)]
        bag: Ex = self.ex(Call(0, "bag_pack", tuple(pairs)), Scope(rel, env))
        return bag

    def find_project(
        self, items: tuple[Expr, ...], hits: Found, types: dict[str, list[str]], env: Env
    ) -> Found:
        """Bind `find ... project`: columns that a table lacks are null there."""
        wanted: list[tuple[str, str, int]] = []
        for item in items:
            node = item.value if isinstance(item, Named) else item
            if isinstance(node, Call):
                wanted.append((PACKED, "", item.pos))
                continue
            if not isinstance(node, Name):
                raise Fault("a column name is expected here", item.pos)
            kinds = types.get(node.name, [])
            if not isinstance(item, Named) and len(kinds) != 1:
                raise Fault(
                    f"the column {node.name!r} has several types: {', '.join(kinds)}"
                    if kinds
                    else f"there is no column {node.name!r} in these tables",
                    item.pos,
                    hint=f"say which: {node.name}:{kinds[0] if kinds else 'string'}",
                )
            wanted.append((node.name, item.names[0] if isinstance(item, Named) else kinds[0], item.pos))
        out: Found = []
        for label, rel in hits:
            cols: list[Col] = []
            for name, type_, pos in wanted:
                col = rel.names.get(name)
                if not type_:
                    cols.append(Col(name, self.packed(rel.visible, rel, env)))
                elif col is None:
                    cols.append(Col(name, literal(None, type_)))
                else:
                    ex = col.ex if col.ex.type == type_ else Ex(convert(col.ex, type_, pos), type_)
                    cols.append(Col(name, ex))
            out.append((label, rel.replace(cols)))
        return out

    def search_test(self, node: Expr, rel: Rel, whole: Rel, env: Env, *, exact: bool) -> str:
        """Bind a predicate. `whole` has the table's columns and those that it lacks."""
        if isinstance(node, Lit):
            return self.anywhere(node, rel, exact=exact)
        if isinstance(node, Star):
            return "true"
        if isinstance(node, Binary) and node.op in ("and", "or"):
            left = self.search_test(node.left, rel, whole, env, exact=exact)
            right = self.search_test(node.right, rel, whole, env, exact=exact)
            return f"({left} {node.op.upper()} {right})"
        if isinstance(node, Call) and node.name == "not" and len(node.args) == 1:
            return f"(NOT coalesce({self.search_test(node.args[0], rel, whole, env, exact=exact)}, false))"
        if (
            isinstance(node, Binary)
            and node.op == "has"
            and isinstance(node.right, Lit)
            and isinstance(node.right.value, str)
            and "*" in node.right.value
        ):
            value = self.ex(node.left, Scope(whole, env))
            return wildcard(to_string(value), node.right.value, exact=exact)
        if _anywhere_has(node):
            return str(self.test(node, Scope(rel, env), filtering=True))
        return str(self.test(node, Scope(whole, env), filtering=True))

    def anywhere(self, node: Lit, rel: Rel, *, exact: bool) -> str:
        """Write the search of a text in all columns, by term, with * as a wildcard."""
        text = (
            node.value
            if isinstance(node.value, str)
            else to_string(literal(node.value, node.type)).strip("'")
        )
        if text == "*":
            return "true"
        parts = [
            wildcard(to_string(col.ex), text, exact=exact)
            for col in rel.visible
            if col.ex.type in ("string", "dynamic", "guid") or not isinstance(node.value, str)
        ]
        return "(" + " OR ".join(parts or ["false"]) + ")"


def _in_order(hits: Found, names: Sequence[str]) -> Found:
    # The first table's columns lead: what it lacks is put in as a null of the first type that another has.
    label, rel = hits[0]
    cols: list[Col] = []
    for name in names:
        col = rel.names.get(name)
        if col is None:
            col = Col(
                name, literal(None, next(one.names[name].ex.type for _, one in hits if name in one.names))
            )
        cols.append(col)
    return [(label, rel.replace(cols)), *hits[1:]]


def _looks_everywhere(node: Expr) -> bool:
    if isinstance(node, Binary) and node.op in ("and", "or"):
        return _looks_everywhere(node.left) or _looks_everywhere(node.right)
    if isinstance(node, Call) and node.name == "not" and len(node.args) == 1:
        return _looks_everywhere(node.args[0])
    return isinstance(node, Lit | Star) or _anywhere_has(node)


def _anywhere_has(node: Expr) -> bool:
    return isinstance(node, Binary) and isinstance(node.left, Star)


def wildcard(sql: str, text: str, *, exact: bool) -> str:
    """Write a search term: `abc` is a term, `abc*` a prefix of one, `*abc` a suffix, `*abc*` anything within."""
    from seawall.kql.bind.compare import TERM_END, TERM_START, _escape, folded, term

    lead, trail = not text.startswith("*"), not text.endswith("*")
    inner = text.strip("*")
    if "*" in inner:
        flag = "" if exact else "(?i)"
        pattern = (
            (TERM_START if lead else "")
            + ".*?".join(_escape(piece) for piece in inner.split("*") if piece)
            + (TERM_END if trail else "")
        )
        return f"regexp_matches({sql}, {quote('(?s)' + flag + pattern)})"
    needle = literal(inner, "string")
    if not lead and not trail:
        return (
            f"contains({sql}, {needle.sql})"
            if exact
            else f"contains(lower({sql}), {folded(needle.sql, needle)})"
        )
    return term(sql, needle, needle.sql, exact=exact, lead=lead, trail=trail)
