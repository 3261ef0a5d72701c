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
from seawall.cel.compile.paths import (
    Qualifier,
    has_field,
    lazy_field,
    lazy_slot,
    observe,
    plain_walk,
    slot_of,
    variable_of,
    walk,
    walk_variable,
)
from seawall.cel.errors import CelError, CompileError
from seawall.cel.folds import compile_fold
from seawall.cel.operators import (
    BINARY,
    UNARY,
    binary,
    in_constants,
    in_operator,
    plain_constants,
)
from seawall.cel.tree import Call, Fold, Ident, Index, ListLit, Literal, MapLit, Node, Select, StructLit
from seawall.cel.values import ObjectValue, Optional, TypeValue, Uint, kind_of

if TYPE_CHECKING:
    from seawall.cel.compile.frame import Step
    from seawall.cel.environment import Environment


class Compiler:
    """Turns nodes into closures; `slots` grows with the comprehensions met."""

    def __init__(self, environment: Environment, source: str = "") -> None:
        self.environment = environment
        self.source = source
        self.slots = 0
        self.unread: dict[int, Step] = {}
        """Slot of an `optMap` -> its target."""
        self.constants: dict[int, bool] = {}

    def build(self, node: Node) -> Step:
        """Return the closure of a node."""
        match node:
            case Literal():
                value = node.value if node.type.kind != "uint" else Uint(node.value)
                return lambda _: value
            case Ident() | Select() | Index():
                return self.attribute(node, 1)
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

    def is_constant(self, node: Node) -> bool:
        """Whether cel-go makes the value once (OptOptimize): then it costs nothing."""
        if isinstance(node, Literal):
            return True
        if isinstance(node, ListLit):
            return all(map(self.is_constant, node.items))
        if isinstance(node, MapLit):
            return all(self.is_constant(key) and self.is_constant(value) for key, value, _ in node.entries)
        if isinstance(node, (Ident, Select)):
            return self.names_type(node)
        return (
            isinstance(node, Call)
            and node.function in _FOLDED
            and node.target is None
            and len(node.args) == 1
            and self.is_constant(node.args[0])
        )

    def names_type(self, node: Ident | Select) -> bool:
        """Whether a name is that of a type."""
        name = node.name if isinstance(node, Ident) else node.qualified
        local = isinstance(node, Ident) and node.slot is not None
        return bool(name) and not local and name not in self.environment.variables

    # ---- names and fields ----

    def branch(self, node: Node) -> Step:
        """Compile what a conditional chooses, or the key of an index: an attribute is resolved unobserved."""
        attribute = isinstance(node, (Ident, Select, Index)) and not self.is_constant(node)
        return self.attribute(node, 0) if attribute else self.build(node)

    def attribute(self, node: Node, observed: int) -> Step:
        """Compile a chain of names, fields and indexes into one walk."""
        test = node if isinstance(node, Select) and node.test else None
        if test is not None:
            node = test.operand
        steps: list[Qualifier] = []
        while (isinstance(node, Select) and not (node.qualified or node.test)) or isinstance(node, Index):
            steps.append(self.qualifier(node))
            node = node.operand
        steps.reverse()
        lazy = isinstance(node, Ident) and node.slot is None and node.name in self.environment.lazy
        if isinstance(node, Ident) and lazy and steps:
            root = lazy_field(node.name, str(steps[0].key))
            if test is not None:
                return has_field(root, steps[1:], test.field, observed=observed)
            return walk(root, steps[1:], observed)
        root = self.root(node)
        variable = isinstance(node, (Ident, Select)) and not self.names_type(node)
        conditional = isinstance(node, Call) and node.function == "_?_:_"
        if not variable and not conditional and not steps and test is None:
            return root
        if test is not None:
            return has_field(root, steps, test.field, conditional=conditional, observed=observed)
        if conditional:
            observed = 0  # both its branches have the steps, and it has no cost of its own
        if not steps:
            return observe(root, observed)
        if not all(each.computed is None and not each.optional and type(each.key) is str for each in steps):
            return walk(root, steps, observed)
        fields = tuple(each.key for each in steps)
        if isinstance(node, Ident) and node.slot is not None:
            known = node.slot not in self.unread
            return plain_walk(root, fields, observed) if known else walk(root, steps, observed)
        if variable:
            return walk_variable(
                node.qualified if isinstance(node, Select) else _name(node), fields, observed
            )
        return walk(root, steps, observed)

    def qualifier(self, node: Select | Index) -> Qualifier:
        """Compile a step of a chain."""
        if isinstance(node, Select):
            return Qualifier(node.field, None, node.optional)
        if isinstance(node.key, Literal):
            value = node.key.value
            return Qualifier(Uint(value) if node.key.type.kind == "uint" else value, None, node.optional)
        return Qualifier(None, self.branch(node.key), node.optional)

    def root(self, node: Node) -> Step:
        """Compile what a chain starts with, without the cost of the attribute itself."""
        if isinstance(node, Ident) and node.slot is not None:
            source = self.unread.get(node.slot)
            return slot_of(node.slot) if source is None else lazy_slot(node.slot, source)
        if isinstance(node, Ident) or (isinstance(node, Select) and node.qualified):
            name = node.qualified if isinstance(node, Select) else node.name
            if name in self.environment.variables:
                return variable_of(name)
            value = TypeValue(name)
            return lambda _: value
        return self.build(node)

    # ---- calls ----

    def call(self, node: Call) -> Step:
        """Compile an operator or a function."""
        function = node.function
        args = ([node.target] if node.target is not None else []) + node.args
        if function in {"_&&_", "_||_"}:
            terms = [self.build(term) for term in _flat(node, function)]
            return all_of(terms) if function == "_&&_" else any_of(terms)
        if function == "_?_:_":
            return ternary(self.build(args[0]), self.branch(args[1]), self.branch(args[2]))
        steps = [self.build(arg) for arg in args]
        if function == "_in_":
            return self.membership(node, *steps)
        if function in {"or", "orValue"} and any(
            one.args[0].kind == "optional_type" for one in node.overloads
        ):
            return or_else(*steps, unwrap=function == "orValue")
        if function in BINARY and len(steps) == 2:
            return binary(function, steps[0], steps[1], node.overloads)
        if function in UNARY and len(steps) == 1:
            return UNARY[function](*steps)
        literal = bool(args) and args[-1].type.kind == "string" and self.is_constant(args[-1])
        step = apply(function, node.overloads, steps, [arg.type for arg in args], literal=literal)
        return self.once(node, step) if self.is_constant(node) else step

    def membership(self, node: Call, item: Step, items: Step) -> Step:
        """Compile `in`."""
        single = len(node.overloads) == 1 and node.overloads[0].args[1].kind == "list"
        if single and self.is_constant(node.args[1]):
            values = items(Frame({}, 0))
            if plain_constants(values):
                return in_constants(item, values)
        return in_operator(item, items, single=single)

    def once(self, node: Node, step: Step) -> Step:
        """Make a constant now. Raises CompileError: the server makes no program of what fails."""
        try:
            value = step(Frame({}, 0))
        except CelError as error:
            raise CompileError(self.source, [(node.at, str(error))]) from None
        return lambda _: value

    # ---- aggregates ----

    def list_literal(self, node: ListLit) -> Step:
        """Compile a list; one of constants is made once."""
        steps = [self.build(item) for item in node.items]
        if self.is_constant(node):
            frame = Frame({}, 0)
            value = [step(frame) for step in steps]
            return lambda _: value
        optional = node.optional

        def plain(frame: Frame) -> list[Any]:
            return [step(frame) for step in steps]

        def with_optional(frame: Frame) -> list[Any]:
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

        return _made(with_optional if optional else plain, 10)

    def map_literal(self, node: MapLit) -> Step:
        """Compile a map."""
        entries = [(self.build(key), self.build(value), optional) for key, value, optional in node.entries]

        def build(frame: Frame) -> dict[Any, Any]:
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

        return build if self.is_constant(node) else _made(build, 30)

    def struct_literal(self, node: StructLit) -> Step:
        """Compile `Name{...}`."""
        entries = [(name, self.build(value), optional) for name, value, optional in node.entries]
        kind = node.name

        def build(frame: Frame) -> ObjectValue:
            found: dict[str, Any] = {}
            for name, value, optional in entries:
                item = value(frame)
                if not optional:
                    found[name] = item
                elif _given(name, item):
                    found[name] = item.value
            return ObjectValue(kind, found)

        return _made(build, 40)


def _made(build: Step, cost: int) -> Step:
    """Add the cost of a constructor, which is counted after its parts, and also when one of them fails."""

    def step(frame: Frame) -> Any:
        try:
            value = build(frame)
        except CelError:
            frame.cost += cost
            raise
        frame.cost += cost
        return value

    return step


def _given(name: Any, item: Any) -> bool:
    """Tell whether the optional value of an entry `?name: item` is there."""
    if type(item) is not Optional:
        raise CelError(f"cannot initialize optional entry '{name}' from non-optional value")
    return bool(item.present)


_FOLDED = frozenset(
    {"bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"}
)
"""Conversions of literals are made once (cel-go's OptOptimize), and cost nothing."""


def _name(node: Node) -> str:
    return node.name if isinstance(node, Ident) else ""


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


__all__ = ["CALL_LIMIT", "Compiler", "Frame"]
