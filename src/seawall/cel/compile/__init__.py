"""A checked tree to Python closures: compiled once, evaluated many times, cost counted as the server counts.

The costs are those of cel-go's interpreter (`interpreter/runtimecost.go`, read at v0.26.0): one for a name
and for each step of a path, nothing for constants, ten for a list that is made, thirty for a map, forty for
a struct, and for a function what its overload says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.cel.compile.frame import CALL_LIMIT, Frame
from seawall.cel.compile.functions import apply
from seawall.cel.compile.logic import all_of, any_of, or_else, ternary
from seawall.cel.compile.paths import has_field, lazy_field, optional_select, slot_of, walk, walk_variable
from seawall.cel.compile.reading import get, optional_get
from seawall.cel.errors import CelError
from seawall.cel.folds import compile_fold
from seawall.cel.operators import BINARY, UNARY, in_operator
from seawall.cel.tree import Call, Fold, Ident, Index, ListLit, Literal, MapLit, Node, Select, StructLit
from seawall.cel.values import ObjectValue, Optional, TypeValue, Uint, kind_of

if TYPE_CHECKING:
    from seawall.cel.compile.frame import Step
    from seawall.cel.environment import Environment


class Compiler:
    """Turns nodes into closures; `slots` grows with the comprehensions met."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.slots = 0

    def build(self, node: Node) -> Step:
        """Return the closure of a node."""
        match node:
            case Literal():
                value = node.value if node.type.kind != "uint" else Uint(node.value)
                return lambda _: value
            case Ident() | Select():
                return self.path(node)
            case Index():
                return self.index(node)
            case Call():
                return self.call(node)
            case ListLit():
                return self.list_literal(node)
            case MapLit():
                return self.map_literal(node)
            case StructLit():
                return self.struct_literal(node)
            case Fold():
                self.slots = max(self.slots, *(slot + 1 for slot in node.slots))
                return compile_fold(self, node)
        raise TypeError(type(node).__name__)

    # ---- names and fields ----

    def path(self, node: Node) -> Step:
        """Compile a chain of names into one walk."""
        fields: list[str] = []
        while isinstance(node, Select) and not (node.test or node.optional or node.qualified):
            if node.operand.type.kind == "optional_type":
                break
            fields.append(node.field)
            node = node.operand
        fields.reverse()
        if isinstance(node, Ident) and node.name in self.environment.lazy and fields and node.slot is None:
            return walk(lazy_field(node.name, fields[0]), fields[1:], 1)
        if not fields:
            return self.root(node)
        base = self.root(node)
        if isinstance(node, Ident) and node.slot is None and node.name in self.environment.variables:
            return walk_variable(node.name, tuple(fields))
        return walk(base, fields, 0 if isinstance(node, (Ident, Index, Select)) else 1)

    def root(self, node: Node) -> Step:
        """Compile what a chain starts with."""
        if isinstance(node, Ident):
            if node.slot is not None:
                return slot_of(node.slot)
            return self.name(node.name)
        if isinstance(node, Select):
            if node.qualified:
                return self.name(node.qualified)
            operand = self.build(node.operand)
            if node.test:
                return has_field(operand, node.field)
            return optional_select(operand, node.field)
        return self.build(node)

    def name(self, name: str) -> Step:
        """Compile a variable or a type's name."""
        if name in self.environment.variables:

            def variable(frame: Frame) -> Any:
                frame.cost += 1
                try:
                    return frame.variables[name]
                except KeyError:
                    raise CelError(f"no such attribute(s): {name}") from None

            return variable
        value = TypeValue(name)
        return lambda _: value

    def index(self, node: Index) -> Step:
        """Compile `a[b]` and `a[?b]`."""
        operand, key = self.build(node.operand), self.build(node.key)
        optional = node.optional or node.operand.type.kind == "optional_type"

        def index(frame: Frame) -> Any:
            base = operand(frame)
            at = key(frame)
            frame.cost += 1
            return get(base, at)

        def maybe(frame: Frame) -> Any:
            base = operand(frame)
            found = optional_get(base, key(frame))
            frame.cost += found.present  # an absent step costs nothing
            return found

        return maybe if optional else index

    # ---- calls ----

    def call(self, node: Call) -> Step:
        """Compile an operator or a function."""
        function = node.function
        args = ([node.target] if node.target is not None else []) + node.args
        if function in {"_&&_", "_||_"}:
            terms = [self.build(term) for term in _flat(node, function)]
            return all_of(terms) if function == "_&&_" else any_of(terms)
        if function == "_?_:_":
            free = [isinstance(arg, (Ident, Select)) and not getattr(arg, "test", False) for arg in args[1:]]
            test, yes, no = (self.build(arg) for arg in args)
            return ternary(test, yes, no, free[0], free[1])
        if function == "_in_":
            return in_operator(self.build(args[0]), self.build(args[1]), constant=_constant(args[1]))
        steps = [self.build(arg) for arg in args]
        if function in {"or", "orValue"} and any(
            one.args[0].kind == "optional_type" for one in node.overloads
        ):
            return or_else(*steps, unwrap=function == "orValue")
        if function in BINARY and len(steps) == 2:
            return BINARY[function](*steps)
        if function in UNARY and len(steps) == 1:
            return UNARY[function](*steps)
        step = apply(function, node.overloads, steps, [arg.type for arg in args])
        if function in _FOLDED and all(isinstance(arg, Literal) for arg in args):
            return _once(step)
        return step

    # ---- aggregates ----

    def list_literal(self, node: ListLit) -> Step:
        """Compile a list; one of constants is made once."""
        steps = [self.build(item) for item in node.items]
        if _constant(node):
            frame = Frame({}, 0)
            value = [step(frame) for step in steps]
            return lambda _: value
        optional = node.optional
        if not optional:

            def plain(frame: Frame) -> list[Any]:
                frame.cost += 10
                return [step(frame) for step in steps]

            return plain

        def with_optional(frame: Frame) -> list[Any]:
            frame.cost += 10
            found = []
            for position, step in enumerate(steps):
                value = step(frame)
                if position not in optional:
                    found.append(value)
                elif type(value) is not Optional:
                    raise CelError(f"cannot initialize optional list element from non-optional value {value}")
                elif value.present:
                    found.append(value.value)
            return found

        return with_optional

    def map_literal(self, node: MapLit) -> Step:
        """Compile a map."""
        entries = [(self.build(key), self.build(value), optional) for key, value, optional in node.entries]
        cost = 0 if _constant(node) else 30

        def build(frame: Frame) -> dict[Any, Any]:
            frame.cost += cost
            found: dict[Any, Any] = {}
            for key, value, optional in entries:
                name = key(frame)
                if type(name) not in {str, int, bool, Uint, float}:
                    raise CelError(f"unsupported key type: {kind_of(name)}")
                item = value(frame)
                if not optional:
                    found[name] = item
                elif _given(name, item):
                    found[name] = item.value
            return found

        return build

    def struct_literal(self, node: StructLit) -> Step:
        """Compile `Name{...}`."""
        entries = [(name, self.build(value), optional) for name, value, optional in node.entries]
        kind = node.name

        def build(frame: Frame) -> ObjectValue:
            frame.cost += 40
            found: dict[str, Any] = {}
            for name, value, optional in entries:
                item = value(frame)
                if not optional:
                    found[name] = item
                elif _given(name, item):
                    found[name] = item.value
            return ObjectValue(kind, found)

        return build


def _given(name: Any, item: Any) -> bool:
    """Tell whether the optional value of an entry `?name: item` is there."""
    if type(item) is not Optional:
        raise CelError(f"cannot initialize optional entry '{name}' from non-optional value")
    return bool(item.present)


_FOLDED = frozenset(
    {"bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"}
)
"""Conversions of literals are made once (cel-go's OptOptimize), and cost nothing."""


def _once(step: Step) -> Step:
    try:
        value = step(Frame({}, 0))
    except CelError:
        return step
    return lambda _: value


def _flat(node: Node, function: str) -> list[Node]:
    if not isinstance(node, Call) or node.function != function:
        return [node]
    found: list[Node] = []
    stack: list[Node] = [node]
    while stack:
        top = stack.pop()
        if isinstance(top, Call) and top.function == function:
            stack.extend(reversed(top.args))
        else:
            found.append(top)
    return found


def _constant(node: Node) -> bool:
    if isinstance(node, ListLit):
        return not node.optional and all(_constant(item) for item in node.items)
    return isinstance(node, Literal) or (
        isinstance(node, MapLit)
        and all(_constant(key) and _constant(value) and not opt for key, value, opt in node.entries)
    )


__all__ = ["CALL_LIMIT", "Compiler", "Frame"]
