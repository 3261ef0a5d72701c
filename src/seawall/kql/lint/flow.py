"""How the properties of a managed cluster flow through a query: which are read, compared, tested, shown."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.kql.lint.schema import TYPE
from seawall.kql.tree import (
    Binary,
    Call,
    Dot,
    Expr,
    Index,
    InList,
    JoinOp,
    Lit,
    MvApply,
    MvExpand,
    Name,
    Named,
    Node,
    Operator,
    Pipeline,
    Project,
    Query,
    Sub,
    Summarize,
    Union,
    Where,
)

Path = tuple[str, ...]

WRAPPERS = frozenset(
    (
        "tostring",
        "parse_json",
        "todynamic",
        "toobject",
        "tolower",
        "toupper",
        "tobool",
        "toboolean",
        "toint",
        "tolong",
        "todouble",
        "toreal",
    ),
)
"""Functions that hand a property on, in another form."""


class Read(msgspec.Struct, frozen=True):
    """A property that is read. `text` says that it went through a conversion to text."""

    path: Path
    pos: int
    where: bool
    text: bool


class Compared(msgspec.Struct, frozen=True):
    """A property that is compared with literals."""

    path: Path
    op: str
    values: tuple[Any, ...]
    pos: int
    text: bool


class Tested(msgspec.Struct, frozen=True):
    """A property that is tested by isnull, isempty or their opposites."""

    path: Path
    function: str
    pos: int
    text: bool


class Flow:
    """What was seen in the pipelines over managed clusters."""

    def __init__(self) -> None:
        self.reads: list[Read] = []
        self.compared: list[Compared] = []
        self.tested: list[Tested] = []
        self.indexed: list[tuple[Path, int, int]] = []
        self.types: list[tuple[str, str, int]] = []
        self.expanded: list[tuple[Path, int]] = []
        self.shown: list[tuple[str, int]] = []
        self.grouped = False

    def decided(self) -> set[Path]:
        """Return the properties that a predicate looks at."""
        return {read.path for read in self.reads if read.where}


class _Known(msgspec.Struct, frozen=True):
    path: Path
    text: bool = False


def _is_type(node: Expr) -> bool:
    return isinstance(node, Name) and node.name == "type"


def about_clusters(node: Any) -> bool:
    """Tell whether a predicate restricts `type` to managed clusters."""
    if isinstance(node, Binary):
        if node.op in ("==", "=~") and _is_type(node.left) and isinstance(node.right, Lit):
            return str(node.right.value).lower() == TYPE
        return node.op == "and" and (about_clusters(node.left) or about_clusters(node.right))
    if isinstance(node, InList) and node.op in ("in", "in~") and _is_type(node.value):
        values = [item.value for item in node.items if isinstance(item, Lit)]
        return len(values) == 1 and str(values[0]).lower() == TYPE
    return False


def trace(query: Query) -> list[Flow]:
    """Follow the properties through every pipeline of a query that is about managed clusters."""
    out: list[Flow] = []
    _visit(query, out)
    return out


def _visit(node: Any, out: list[Flow]) -> None:
    if isinstance(node, Pipeline) and any(
        isinstance(step, Where) and about_clusters(step.predicate) for step in node.steps
    ):
        out.append(_Tracer().run(node))
    if isinstance(node, Node):
        for field in node.__struct_fields__:
            _visit(getattr(node, field), out)
    elif isinstance(node, tuple):
        for item in node:
            _visit(item, out)


class _Tracer:
    def __init__(self) -> None:
        self.flow = Flow()
        self.names: dict[str, _Known | None] = {
            "properties": _Known(("properties",)),
            "sku": _Known(("sku",)),
            "identity": _Known(("identity",)),
        }
        self.seen: set[tuple[Path, int, bool]] = set()

    def run(self, node: Pipeline) -> Flow:
        for step in node.steps:
            self.step(step)
        return self.flow

    def step(self, step: Operator) -> None:
        if isinstance(step, Where):
            self.types(step.predicate)
            self.expr(step.predicate, where=True)
        elif isinstance(step, Project):
            self.project(step)
        elif isinstance(step, MvExpand | MvApply):
            for one in step.items:
                known = self.expr(one.value, where=False)
                if known is not None:
                    self.flow.expanded.append((known.path, one.pos))
                name = one.name or _name(one.value)
                self.names[name] = _Known((*known.path, "[]")) if known is not None else None
        elif isinstance(step, Summarize):
            self.flow.grouped = True
            fresh: dict[str, _Known | None] = {}
            for item in (*step.keys, *step.aggregates):
                value = item.value if isinstance(item, Named) else item
                known = self.expr(value, where=False)
                fresh[_name(item)] = known if item in step.keys else None
            self.names = fresh
        elif isinstance(step, JoinOp | Union):
            pass
        else:
            for field in step.__struct_fields__:
                self.walk(getattr(step, field))

    def project(self, step: Project) -> None:
        if step.mode == "distinct":
            self.flow.grouped = True
        fresh: dict[str, _Known | None] = {}
        for item in step.items:
            value = item.value if isinstance(item, Named) else item
            known = self.expr(value, where=False)
            name = _name(item)
            fresh[name] = known
            if step.mode == "project":
                self.flow.shown.append((name, item.pos))
        if step.mode in ("project", "distinct"):
            self.names = {**dict.fromkeys(("properties", "sku", "identity")), **fresh}
        elif step.mode == "extend":
            self.names.update(fresh)

    def walk(self, value: Any) -> None:
        if isinstance(value, Expr):
            self.expr(value, where=False)
        elif isinstance(value, tuple):
            for item in value:
                self.walk(item)

    def types(self, node: Expr) -> None:
        if isinstance(node, Binary):
            if _is_type(node.left) and isinstance(node.right, Lit):
                self.flow.types.append((node.op, str(node.right.value), node.right.pos))
            elif node.op in ("and", "or"):
                self.types(node.left)
                self.types(node.right)

    def expr(self, node: Any, *, where: bool) -> _Known | None:
        """Follow an expression; returns the property that it hands on, if it is one."""
        if isinstance(node, Name | Dot | Index):
            known = self.path(node, where=where)
            if known is not None:
                mark = (known.path, node.pos, where)
                if mark not in self.seen:
                    self.seen.add(mark)
                    self.flow.reads.append(Read(known.path, node.pos, where, known.text))
            return known
        if isinstance(node, Call):
            return self.call(node, where=where)
        if isinstance(node, Binary) and node.op in ("==", "!=", "=~", "!~"):
            left, right = self.expr(node.left, where=where), self.expr(node.right, where=where)
            for known, other in ((left, node.right), (right, node.left)):
                if known is not None and isinstance(other, Lit):
                    self.flow.compared.append(
                        Compared(known.path, node.op, (other.value,), other.pos, known.text),
                    )
            return None
        if isinstance(node, InList):
            known = self.expr(node.value, where=where)
            values = tuple(item.value for item in node.items if isinstance(item, Lit))
            if known is not None and values and node.op in ("in", "!in", "in~", "!in~"):
                self.flow.compared.append(Compared(known.path, node.op, values, node.pos, known.text))
            return None
        if isinstance(node, Sub):
            source = node.query.source
            return (
                self.expr(source, where=where) if isinstance(source, Expr) and not node.query.steps else None
            )
        if isinstance(node, Expr):
            for field in node.__struct_fields__:
                value = getattr(node, field)
                for item in value if isinstance(value, tuple) else (value,):
                    if isinstance(item, Expr):
                        self.expr(item, where=where)
        return None

    def call(self, node: Call, *, where: bool) -> _Known | None:
        known = [self.expr(arg, where=where) for arg in node.args]
        if node.name in WRAPPERS and len(known) == 1 and known[0] is not None:
            text = known[0].text or node.name in ("tostring", "tolower", "toupper")
            return _Known(known[0].path, text)
        if (
            node.name in ("isnull", "isnotnull", "isempty", "isnotempty", "notnull", "notempty")
            and known
            and known[0] is not None
        ):
            self.flow.tested.append(Tested(known[0].path, node.name, node.pos, known[0].text))
        return None

    def path(self, node: Expr, *, where: bool) -> _Known | None:
        if isinstance(node, Name):
            return self.names.get(node.name)
        if isinstance(node, Dot):
            base = self.base(node.base, where=where)
            return None if base is None else _Known((*base.path, node.key), base.text)
        if isinstance(node, Index):
            base = self.base(node.base, where=where)
            if not isinstance(node.index, Lit):
                self.expr(node.index, where=where)
                return None if base is None else _Known((*base.path, "[]"), base.text)
            if base is None:
                return None
            if isinstance(node.index.value, str):
                return _Known((*base.path, node.index.value), base.text)
            self.flow.indexed.append((base.path, int(node.index.value), node.pos))
            return _Known((*base.path, "[]"), base.text)
        return None

    def base(self, node: Expr, *, where: bool) -> _Known | None:
        return (
            self.path(node, where=where)
            if isinstance(node, Name | Dot | Index)
            else self.expr(node, where=where)
        )


def _name(item: Expr) -> str:
    from seawall.kql.bind.names import derived

    return derived(item)
