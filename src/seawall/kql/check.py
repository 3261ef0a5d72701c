"""Why a query would not run where it is meant to run: `seawall query --profile arg --check`.

`arg-documented` is what Resource Graph's page query-language.md says (specs b.6); `arg-observed` also allows
what public queries use and Resource Graph is known to accept (fullouter joins, mv-apply, project-rename).
`log-analytics` is what Azure Monitor's page on its differences from Data Explorer says.
"""

from __future__ import annotations

import functools
import importlib.resources
from typing import Any, Final

import msgspec

from seawall.kql.catalog import Catalog, Column, Table
from seawall.kql.compiler import compile_query, read
from seawall.kql.errors import Fault, KqlError, locate
from seawall.kql.profiles import profile_of
from seawall.kql.tree import (
    Call,
    CountRows,
    DataTable,
    Evaluate,
    JoinOp,
    Lambda,
    Let,
    MvApply,
    MvExpand,
    Name,
    Node,
    Operator,
    Parse,
    Pipeline,
    Print,
    Project,
    RangeOp,
    Render,
    Search,
    Sort,
    Star,
    Sub,
    Summarize,
    Take,
    Top,
    Union,
    Where,
    Wild,
    walk,
)


class Obstacle(msgspec.Struct, frozen=True, order=True):
    """One reason why a query would not run, with its place."""

    line: int
    column: int
    reason: str
    excerpt: str = ""
    hint: str = ""


OPERATORS: tuple[type, ...] = (
    CountRows,
    JoinOp,
    MvExpand,
    Parse,
    Project,
    Sort,
    Summarize,
    Take,
    Top,
    Union,
    Where,
    Pipeline,
)
MODES = {"project", "extend", "away", "distinct", "keep", "rename", "reorder"}
DOCUMENTED_MODES = {"project", "extend", "away", "distinct"}
KINDS = {
    "arg-documented": {"", "innerunique", "inner", "leftouter"},
    "arg-observed": {"", "innerunique", "inner", "leftouter", "fullouter"},
}
MOST_JOINS, MOST_EXPANDS, MOST_LEGS, ROW_LIMIT = 3, 3, 3, 400
PORTABLE_PROFILES = (*KINDS, "log-analytics")
_DEFAULT: Final = "resources"
_JOIN_FREELY: Final = {"resources", "resourcecontainers"}
"""Tables of Resource Graph that join each other as often as joins are allowed."""


@functools.cache
def _facts() -> dict[str, Any]:
    data = importlib.resources.files("seawall.kql.data").joinpath("portable.json").read_bytes()
    facts: dict[str, Any] = msgspec.json.decode(data)
    return facts


def obstacles(text: str, profile: str = "arg-documented") -> list[Obstacle]:
    """Say why a query would not run; an empty list means that nothing speaks against it.

    Args:
        text: the query.
        profile: `arg-documented`, `arg-observed` (also called `arg`) or `log-analytics`; any other profile
            has no limits of its own.

    Raises:
        KqlError: the query cannot be parsed at all.
    """
    query = read(text)
    if profile == "arg":
        profile = "arg-observed"
    if profile not in PORTABLE_PROFILES:
        return []
    review = _Review(profile)
    review.visit(query)
    review.tables(query)
    found = {
        Obstacle(place.line, place.column, fault.message, place.excerpt, fault.hint)
        for fault in review.found
        for place in (locate(fault, text),)
    }
    if profile in KINDS and not found and review.named <= {_DEFAULT}:
        found.update(_columns(text))
    return sorted(found)


def _columns(text: str) -> list[Obstacle]:
    """Bind a query against the columns that `resources` has in Resource Graph: it has no other ones."""
    catalog = Catalog(profile_of("arg"))
    columns = tuple(Column(name, kind, name) for name, kind in _facts()["resourceGraphColumns"].items())
    catalog.add(Table(_DEFAULT, columns, _DEFAULT, 0))
    try:
        compile_query(text, catalog)
    except KqlError as error:
        if error.kind != "semantic":
            return []
        return [Obstacle(error.line, error.column, error.message, error.excerpt, error.hint)]
    return []


_READERS: Final = (Pipeline, JoinOp, Union, Search)
"""Nodes that know themselves which of their parts are tables."""


class _Review:
    """One query's review for one profile."""

    def __init__(self, profile: str) -> None:
        self.graph = profile in KINDS
        self.documented = profile == "arg-documented"
        self.kinds = KINDS.get(profile, set())
        self.found: list[Fault] = []
        self.named: set[str] = set()
        self._counts = {"join": 0, "mv-expand": 0, "legs": 0}
        self._crossing = 0
        self._own: set[str] = set()

    def say(self, reason: str, node: Node, hint: str = "") -> None:
        """Note a reason."""
        self.found.append(Fault(reason, node.pos, hint=hint))

    def visit(self, node: Any) -> None:
        """Look at operators and calls, wherever they stand."""
        for part in walk(node):
            self._look(part)

    def _look(self, node: Node) -> None:
        if isinstance(node, Let):
            self._own.add(node.name)
            if self.graph and isinstance(node.value, Lambda):
                self.say(f"Resource Graph has no functions of a query's own ({node.name})", node)
        if isinstance(node, Operator) and self.graph:
            self._operator(node)
        if isinstance(node, Call) and node.name in _facts()["logAnalyticsLacks"]:
            place = "Resource Graph" if self.graph else "Log Analytics"
            self.say(f"{place} has no function {node.name}", node)
        if isinstance(node, Evaluate) and not self.graph and node.call.name in {"python", "r", "sql_request"}:
            self.say(f"Log Analytics has no plugin {node.call.name}", node)

    def _operator(self, node: Operator) -> None:
        if isinstance(node, JoinOp):
            self._join(node)
        elif isinstance(node, MvExpand):
            self._counts["mv-expand"] += 1
            if self._counts["mv-expand"] == MOST_EXPANDS + 1:
                self.say(f"Resource Graph allows {MOST_EXPANDS} mv-expand in a query", node)
            limit = getattr(node.limit, "value", 0)
            if isinstance(limit, int) and limit > ROW_LIMIT:
                self.say(f"mv-expand gives at most {ROW_LIMIT} rows in Resource Graph", node)
        elif isinstance(node, Union):
            self._union(node)
        elif isinstance(node, Project):
            if node.mode not in (DOCUMENTED_MODES if self.documented else MODES):
                self.say(f"Resource Graph has no project-{node.mode}", node)
        elif isinstance(node, MvApply):
            if self.documented:
                self.say("Resource Graph has no operator mv-apply", node, "use mv-expand and summarize")
        elif isinstance(node, Print | RangeOp | DataTable | Render | Evaluate) or not isinstance(
            node, OPERATORS
        ):
            name = type(node).__name__.lower().removesuffix("op")
            self.say(f"Resource Graph has no operator {name}", node)

    def _join(self, node: JoinOp) -> None:
        self._counts["join"] += 1
        if node.mode == "lookup":
            self.say("Resource Graph has no lookup", node, "use join kind=leftouter")
        elif node.kind not in self.kinds:
            names = ", ".join(sorted(kind for kind in self.kinds if kind))
            self.say(f"Resource Graph has no join of kind {node.kind}", node, f"it has {names}")
        if node.strategy:
            self.say("Resource Graph allows no join strategies", node, "take the hint away")
        if self._counts["join"] == MOST_JOINS + 1:
            self.say(f"Resource Graph allows {MOST_JOINS} joins in a query", node)

    def _union(self, node: Union) -> None:
        before = self._counts["legs"]
        self._counts["legs"] += len(node.tables)
        if before <= MOST_LEGS < self._counts["legs"]:
            self.say(f"Resource Graph allows {MOST_LEGS} legs of a union", node)
        if node.fuzzy or any(isinstance(one, Star | Wild) for one in node.tables):
            self.say("Resource Graph resolves no tables of a union by pattern", node, "name the tables")
        if self.documented and len(node.tables) > 1:
            self.say("Resource Graph takes one table a union", node, "write: A | union B | union C")

    def tables(self, node: Any) -> set[str]:
        """Look at the tables that are read; return those that this part begins with."""
        found: set[str] = set()
        for part in walk(node, whole=_READERS):
            if isinstance(part, Pipeline):
                found |= self._pipeline(part)
            elif isinstance(part, JoinOp):
                found |= self._operand(part.right)
            elif isinstance(part, Union | Search):
                found |= {name for one in part.tables for name in self._operand(one)}
            elif isinstance(part, Let) and isinstance(part.value, Name) and self._is_table(part.value.name):
                found |= self._operand(part.value)
        return found

    def _pipeline(self, node: Pipeline) -> set[str]:
        if node.source is None:
            # An operator at the beginning: Resource Graph then reads `resources` (specs b.6).
            roots = {_DEFAULT}
            self.named.add(_DEFAULT)
            if not self.graph and node.steps:
                self.say("Log Analytics has no default table", node.steps[0], "begin with the table's name")
        else:
            roots = self._operand(node.source)
        for step in node.steps:
            right = self.tables(step)
            if isinstance(step, JoinOp):
                self._cross(step, roots | right)
            if isinstance(step, JoinOp | Union):
                roots = roots | right
        return roots

    def _operand(self, node: Any) -> set[str]:
        """Look at what stands where a table is wanted."""
        if isinstance(node, Sub):
            return self.tables(node.query)
        if not isinstance(node, Name):
            return self.tables(node)
        if node.name in self._own:
            return set()
        name = node.name.lower()
        self.named.add(name)
        if self.graph and not self._known(name):
            self.say(
                f"Resource Graph has no table {node.name}",
                node,
                "its tables: resources, resourcecontainers, authorizationresources, policyresources and others",
            )
        elif not self.graph and name in _facts()["resourceGraphTables"]:
            hint = f'write arg("").{node.name}'
            self.say(f"{node.name} is a table of Resource Graph, not of a workspace", node, hint)
        elif not self.graph and node.name in _facts()["seawallTables"]:
            self.say(f"{node.name} is a table of Seawall alone, no workspace has it", node)
        return {name}

    def _known(self, name: str) -> bool:
        # New tables come faster than their page: what is called like one of them is taken for one.
        named_like = not self.documented and name.endswith(
            ("resources", "resourcechanges", "containerchanges")
        )
        return name in _facts()["resourceGraphTables"] or named_like

    def _is_table(self, name: str) -> bool:
        return name not in self._own and name.lower() in _facts()["resourceGraphTables"]

    def _cross(self, node: JoinOp, names: set[str]) -> None:
        if not self.documented or len(names) < 2:
            return
        self._crossing += 1
        if self._crossing == 2 and not names <= _JOIN_FREELY:
            self.say("Resource Graph allows one join between two tables in a query", node)
