"""Follow the properties of managed clusters through the pipelines of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql.lint.flow import Compared, Flow, Folded, Path, Read, Tested
from seawall.kql.lint.schema import TYPE
from seawall.kql.tree import (
    Binary,
    Call,
    Dot,
    Expr,
    Index,
    InList,
    JoinOp,
    Let,
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
    Star,
    Sub,
    Summarize,
    Union,
    Where,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PARSERS = frozenset(("parse_json", "todynamic", "toobject", "dynamic_to_json", "tobool", "toboolean", "toint",
                     "tolong", "todouble", "toreal"))  # fmt: skip
TEXTS = frozenset(("tostring", "tolower", "toupper", "trim", "strcat"))
WRAPPERS = PARSERS | TEXTS
"""Functions that hand a property on, in another form."""

TESTS = frozenset(("isnull", "isnotnull", "isempty", "isnotempty", "notnull", "notempty"))
EQUALS = frozenset(("==", "!=", "=~", "!~"))
LISTS = frozenset(("in", "!in", "in~", "!in~"))
SEARCHES = frozenset(
    negation + word + case
    for negation in ("", "!")
    for word in ("has", "contains", "startswith", "endswith", "hasprefix", "hassuffix")
    for case in ("", "_cs")
)
_NAMES = {name: (name,) for name in ("properties", "sku", "identity")}
_KIND = "containerservice/managedclusters"


class _Known(msgspec.Struct, frozen=True):
    path: Path
    text: bool = False
    case: str = ""


class _State(msgspec.Struct, frozen=True):
    """What a table holds after its steps: the properties behind its columns, and whether it is clusters only."""

    names: dict[str, _Known | None]
    about: bool


def _start() -> dict[str, _Known | None]:
    return {name: _Known(path) for name, path in _NAMES.items()}


def _is_type(node: Expr) -> bool:
    while isinstance(node, Call) and node.name in WRAPPERS and len(node.args) == 1:
        node = node.args[0]
    if isinstance(node, Sub) and not node.query.steps and isinstance(node.query.source, Expr):
        return _is_type(node.query.source)
    return isinstance(node, Name) and node.name == "type"


def about_clusters(node: Any) -> bool:
    """Tell whether a predicate restricts `type` to managed clusters."""
    if isinstance(node, Binary):
        if _is_type(node.left) and isinstance(node.right, Lit):
            text = str(node.right.value).lower()
            if node.op in ("==", "=~"):
                return text == TYPE
            return node.op in SEARCHES and node.op[0] != "!" and text.endswith(_KIND)
        return node.op == "and" and (about_clusters(node.left) or about_clusters(node.right))
    if isinstance(node, InList) and node.op in ("in", "in~") and _is_type(node.value):
        values = [item.value for item in node.items if isinstance(item, Lit)]
        return len(values) == 1 and str(values[0]).lower() == TYPE
    if isinstance(node, Sub) and not node.query.steps:
        return about_clusters(node.query.source)
    return False


def trace(query: Query) -> list[Flow]:
    """Follow the properties through every pipeline of a query that is about managed clusters."""
    tracer = _Query()
    tracer.visit(query)
    return tracer.flows


class _Query:
    """All pipelines of a query, with the tables that `let` names."""

    def __init__(self) -> None:
        self.flows: list[Flow] = []
        self.tables: dict[str, _State] = {}
        self.done: dict[int, _State] = {}

    def visit(self, node: Any) -> None:
        """Look for pipelines, those of `let` before those that may name them."""
        open_ = [node]
        while open_:
            part = open_.pop()
            if isinstance(part, tuple):
                open_.extend(reversed(part))
                continue
            if isinstance(part, Pipeline):
                self.run(part)
            if isinstance(part, Let):
                self.visit(part.value)
                state = self.source(part.value)
                if state is not None:
                    self.tables[part.name] = state
            elif isinstance(part, Node):
                open_.extend(getattr(part, field) for field in reversed(part.__struct_fields__))

    def source(self, node: Any) -> _State | None:
        """Return what a table expression holds, where it can be followed."""
        if isinstance(node, Pipeline):
            return self.run(node)
        if isinstance(node, Sub):
            return self.run(node.query)
        if isinstance(node, Name):
            return self.tables.get(node.name)
        if isinstance(node, Call) and node.name == "materialize" and len(node.args) == 1:
            return self.source(node.args[0])
        return None

    def run(self, node: Pipeline) -> _State:
        """Follow a pipeline, once."""
        if id(node) in self.done:
            return self.done[id(node)]
        state = self.source(node.source)
        about = state is not None and state.about
        about = about or any(isinstance(one, Where) and about_clusters(one.predicate) for one in node.steps)
        tracer = _Tracer(state.names if state is not None else _start())
        if about:
            for step in node.steps:
                tracer.step(step)
            self.flows.append(tracer.flow)
        self.done[id(node)] = _State(tracer.names, about)
        return self.done[id(node)]


class _Tracer:
    """One pipeline: the columns that hold properties, step by step."""

    def __init__(self, names: Mapping[str, _Known | None]) -> None:
        self.flow = Flow()
        self.names: dict[str, _Known | None] = dict(names)
        self.seen: set[tuple[Path, int, bool]] = set()
        self.sure: set[int] = set()

    def step(self, step: Operator) -> None:
        """Follow one operator."""
        if isinstance(step, Where):
            self.types(step.predicate)
            self.sure = {id(part) for part in _conjuncts(step.predicate)}
            self.expr(step.predicate, where=True)
            self.sure = set()
        elif isinstance(step, Project):
            self.project(step)
        elif isinstance(step, MvExpand | MvApply):
            self.expand(step)
        elif isinstance(step, Summarize):
            self.flow.grouped = True
            self.names = self.summarize(step)
        elif isinstance(step, JoinOp | Union):
            pass
        else:
            for field in step.__struct_fields__:
                self.walk(getattr(step, field))

    def expand(self, step: MvExpand | MvApply) -> None:
        """mv-expand and mv-apply: a column becomes an element of its list."""
        before = dict(self.names)
        for one in step.items:
            known = self.expr(one.value, where=False)
            if known is not None and isinstance(step, MvExpand):
                self.flow.expanded.append((known.path, one.pos))
            name = one.name or _name(one.value)
            self.names[name] = _Known((*known.path, "[]")) if known is not None else None
        if isinstance(step, MvApply):
            for inner in step.steps:
                self.step(inner)
            # Columns that the sub-query makes stand beside those that were there before.
            made = {name: known for name, known in self.names.items() if name not in before}
            self.names = {**before, **made}

    def summarize(self, step: Summarize) -> dict[str, _Known | None]:
        """Return the columns after summarize: keys, and what any() and arg_max() hand on."""
        fresh: dict[str, _Known | None] = {}
        for item in step.keys:
            value = item.value if isinstance(item, Named) else item
            fresh[_name(item)] = self.expr(value, where=False)
        for item in step.aggregates:
            value = item.value if isinstance(item, Named) else item
            known = self.expr(value, where=False)
            fresh[_name(item)] = None
            if isinstance(value, Call) and value.name in ("any", "take_any") and len(value.args) == 1:
                known = self.expr(value.args[0], where=False)
                fresh[_name(item)] = known
            elif isinstance(value, Call) and value.name in ("arg_max", "arg_min", "argmax", "argmin"):
                for arg in value.args[1:]:
                    if isinstance(arg, Name):
                        fresh[arg.name] = self.names.get(arg.name)
                if any(isinstance(arg, Star) for arg in value.args[1:]):
                    fresh = {**self.names, **fresh}
        return fresh

    def project(self, step: Project) -> None:
        """Follow project and its kin."""
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
                self.flow.verdict |= _is_condition(value)
            if step.mode in ("rename", "away") and isinstance(value, Name):
                self.names[value.name] = None
        if step.mode in ("project", "distinct"):
            self.names = {**dict.fromkeys(_NAMES), **fresh}
        elif step.mode in ("extend", "rename"):
            self.names.update(fresh)

    def walk(self, value: Any) -> None:
        """Follow whatever else an operator holds."""
        if isinstance(value, Expr):
            self.expr(value, where=False)
        elif isinstance(value, tuple):
            for item in value:
                self.walk(item)

    def types(self, node: Expr) -> None:
        """Note what `type` is compared with, where all comparisons must hold."""
        for part in _conjuncts(node):
            if (
                isinstance(part, Binary)
                and isinstance(part.left, Name)
                and part.left.name == "type"
                and isinstance(part.right, Lit)
            ):
                self.flow.types.append((part.op, str(part.right.value), part.right.pos))

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
        if isinstance(node, Binary) and node.op in EQUALS | SEARCHES:
            self.binary(node, where=where)
            return None
        if isinstance(node, InList):
            known = self.expr(node.value, where=where)
            literals = [item for item in node.items if isinstance(item, Lit)]
            values = tuple(item.value for item in literals)
            if known is not None and values:
                # With anything but literals in the list, what it may equal is not known.
                sure = id(node) in self.sure and len(literals) == len(node.items)
                self.compare(known, node.op, values, node.pos, sure=sure)
            for item in literals:
                self.fold(node.value, node.op, item)
            return None
        if isinstance(node, Sub):
            source = node.query.source
            plain = isinstance(source, Expr) and not node.query.steps
            if plain and id(node) in self.sure:
                self.sure |= {id(part) for part in _conjuncts(source)}
            return self.expr(source, where=where) if plain else None
        if isinstance(node, Expr):
            for field in node.__struct_fields__:
                value = getattr(node, field)
                for item in value if isinstance(value, tuple) else (value,):
                    if isinstance(item, Expr):
                        self.expr(item, where=where)
        return None

    def binary(self, node: Binary, *, where: bool) -> None:
        """Follow a comparison with a literal on either side."""
        left, right = self.expr(node.left, where=where), self.expr(node.right, where=where)
        if isinstance(node.left, Call) and node.left.name == "array_length" and isinstance(node.right, Lit):
            known = self.expr(node.left.args[0], where=where) if len(node.left.args) == 1 else None
            if known is not None and node.op == "==" and node.right.value == 1:
                self.flow.single.add(known.path)
        for known, side, other in ((left, node.left, node.right), (right, node.right, node.left)):
            if not isinstance(other, Lit) or (node.op in SEARCHES and other is node.left):
                continue
            self.fold(side, node.op, other)
            if known is not None:
                self.compare(known, node.op, (other.value,), other.pos, sure=id(node) in self.sure)

    def compare(self, known: _Known, op: str, values: tuple[Any, ...], pos: int, *, sure: bool) -> None:
        """Note a comparison."""
        self.flow.compared.append(Compared(known.path, op, values, pos, known.text, known.case, sure))

    def fold(self, side: Expr, op: str, literal: Lit) -> None:
        """Note that a text of one case is compared with a literal."""
        if isinstance(side, Call) and side.name in ("tolower", "toupper") and isinstance(literal.value, str):
            self.flow.folded.append(Folded(side.name, literal.value, op, literal.pos))

    def call(self, node: Call, *, where: bool) -> _Known | None:
        """Follow a call."""
        known = [self.expr(arg, where=where) for arg in node.args]
        if node.name == "case":
            self.repeats(node.args[:-1:2])
        if node.name in WRAPPERS and len(known) == 1 and known[0] is not None:
            case = {"tolower": "lower", "toupper": "upper"}.get(node.name, known[0].case)
            text = node.name in TEXTS
            return _Known(known[0].path, text, case if text else "")
        if node.name in TESTS and known and known[0] is not None:
            sure = id(node) in self.sure
            self.flow.tested.append(Tested(known[0].path, node.name, node.pos, known[0].text, sure))
        return None

    def repeats(self, conditions: tuple[Expr, ...]) -> None:
        """Note the conditions of a `case` that stand there a second time."""
        seen: set[str] = set()
        for condition in conditions:
            form = _form(condition)
            if form in seen:
                self.flow.repeated.append(condition.pos)
            seen.add(form)

    def path(self, node: Expr, *, where: bool) -> _Known | None:
        """Return the property that a path names."""
        if isinstance(node, Name):
            return self.names.get(node.name)
        if isinstance(node, Dot):
            base = self.base(node.base, where=where)
            return None if base is None else _Known((*base.path, node.key))
        if isinstance(node, Index):
            base = self.base(node.base, where=where)
            if not isinstance(node.index, Lit):
                self.expr(node.index, where=where)
                return None if base is None else _Known((*base.path, "[]"))
            if base is None:
                return None
            if isinstance(node.index.value, str):
                return _Known((*base.path, node.index.value))
            self.flow.indexed.append((base.path, int(node.index.value), node.pos))
            return _Known((*base.path, "[]"))
        return None

    def base(self, node: Expr, *, where: bool) -> _Known | None:
        """Return the property below which a path goes on."""
        return (
            self.path(node, where=where)
            if isinstance(node, Name | Dot | Index)
            else self.expr(node, where=where)
        )


def _conjuncts(node: Any) -> Iterator[Expr]:
    """Give the parts of `a and b and c`."""
    open_ = [node]
    while open_:
        part = open_.pop()
        if isinstance(part, Binary) and part.op == "and":
            open_.extend((part.right, part.left))
        elif isinstance(part, Sub) and not part.query.steps and isinstance(part.query.source, Binary):
            open_.append(part.query.source)
        elif isinstance(part, Expr):
            yield part


def _is_condition(node: Expr) -> bool:
    """Tell whether an expression is one of true and false by its form."""
    if isinstance(node, Call):
        return node.name in TESTS or node.name in ("not", "coalesce", "iff", "iif", "case")
    return isinstance(node, InList) or (
        isinstance(node, Binary)
        and (node.op in EQUALS | SEARCHES or node.op in ("and", "or", "<", ">", "<=", ">="))
    )


def _form(node: Any) -> str:
    """Write an expression without its places, so that two that say the same are the same text."""
    if isinstance(node, Node):
        inner = ",".join(_form(getattr(node, field)) for field in node.__struct_fields__ if field != "pos")
        return f"{type(node).__name__}({inner})"
    return f"[{','.join(_form(item) for item in node)}]" if isinstance(node, tuple) else repr(node)


def _name(item: Expr) -> str:
    from seawall.kql.bind.names import derived

    return derived(item)
