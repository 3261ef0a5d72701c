"""A checked tree to Python closures: compiled once, evaluated many times, cost counted as the server counts.

The costs are those of cel-go's interpreter (`interpreter/runtimecost.go`, read at v0.26.0): one for a name
and for each step of a path, nothing for constants, ten for a list that is made, thirty for a map, forty for
a struct, and for a function what its overload says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.cel.errors import CelError, CostExceededError
from seawall.cel.folds import compile_fold
from seawall.cel.operators import BINARY, UNARY, in_operator
from seawall.cel.tree import Call, Fold, Ident, Index, ListLit, Literal, MapLit, Node, Select, StructLit
from seawall.cel.values import (
    INT_MAX,
    INT_MIN,
    NONE,
    ObjectValue,
    Optional,
    TypeValue,
    Uint,
    equal,
    kind_of,
    no_overload,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.cel.environment import Environment, Overload
    from seawall.cel.types import Type

CALL_LIMIT = 1_000_000  # PerCallLimit (pkg/apis/cel/config.go)

_CLASSES: dict[str, tuple[type, ...]] = {
    "bool": (bool,), "int": (int,), "uint": (Uint,), "double": (float,), "string": (str,), "bytes": (bytes,),
    "list": (list,), "map": (dict,), "null_type": (type(None),), "optional_type": (Optional,), "type": (TypeValue,),
}  # fmt: skip


class Frame:
    """The state of one evaluation: variables, the slots of comprehensions, the cost so far."""

    __slots__ = ("cost", "slots", "variables")

    def __init__(self, variables: dict[str, Any], slots: int) -> None:
        self.variables = variables
        self.slots: list[Any] = [None] * slots
        self.cost = 0

    def spend(self) -> None:
        """Stop when one call has cost too much."""
        if self.cost > CALL_LIMIT:
            raise CostExceededError("operation cancelled: actual cost limit exceeded")


if TYPE_CHECKING:
    Step = Callable[[Frame], Any]


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
            return _walk(_lazy(node.name, fields[0]), fields[1:], 1)
        if not fields:
            return self.root(node)
        base = self.root(node)
        if isinstance(node, Ident) and node.slot is None and node.name in self.environment.variables:
            return _walk_variable(node.name, tuple(fields))
        return _walk(base, fields, 0 if isinstance(node, (Ident, Index, Select)) else 1)

    def root(self, node: Node) -> Step:
        """Compile what a chain starts with."""
        if isinstance(node, Ident):
            if node.slot is not None:
                return _slot(node.slot)
            return self.name(node.name)
        if isinstance(node, Select):
            if node.qualified:
                return self.name(node.qualified)
            operand = self.build(node.operand)
            if node.test:
                return _has(operand, node.field)
            return _optional_select(operand, node.field)
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
            return _all_of(terms) if function == "_&&_" else _any_of(terms)
        if function == "_?_:_":
            free = [isinstance(arg, (Ident, Select)) and not getattr(arg, "test", False) for arg in args[1:]]
            test, yes, no = (self.build(arg) for arg in args)
            return _ternary(test, yes, no, free[0], free[1])
        if function == "_in_":
            return in_operator(self.build(args[0]), self.build(args[1]), constant=_constant(args[1]))
        steps = [self.build(arg) for arg in args]
        if function in BINARY and len(steps) == 2:
            return BINARY[function](*steps)
        if function in UNARY and len(steps) == 1:
            return UNARY[function](*steps)
        step = _apply(function, node.overloads, steps, [arg.type for arg in args])
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
                if optional:
                    if type(item) is not Optional:
                        raise CelError(f"cannot initialize optional entry '{name}' from non-optional value")
                    if not item.present:
                        continue
                    item = item.value
                found[name] = item
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
                if optional:
                    if type(item) is not Optional:
                        raise CelError(f"cannot initialize optional entry '{name}' from non-optional value")
                    if not item.present:
                        continue
                    item = item.value
                found[name] = item
            return ObjectValue(kind, found)

        return build


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


# ---- reading fields ----


def get(base: Any, key: Any) -> Any:
    """Return `base[key]` or raise CelError."""
    kind = type(base)
    if kind is dict:
        try:
            return base[_key(base, key)]
        except (KeyError, TypeError):
            raise CelError(f"no such key: {key}") from None
    if kind is list:
        position = key
        if type(position) is float and position.is_integer():
            position = int(position)
        if type(position) not in {int, Uint}:
            raise CelError(f"unsupported index type '{kind_of(key)}' in list")
        if not 0 <= position < len(base):
            raise CelError(f"index out of bounds: {position}")
        return base[position]
    if kind is Optional:
        return optional_get(base, key)
    if isinstance(base, ObjectValue):
        if key in base.fields:
            return base.fields[key]
        raise CelError(f"no such key: {key}")
    raise no_overload("_[_]", base, key) if base is not None else CelError(f"no such key: {key}")


def _key(base: dict[Any, Any], key: Any) -> Any:
    if type(key) is bool or (type(key) in {int, float, Uint} and key in {0, 1}):
        # True == 1 for Python and not for CEL: compare the types too.
        for known in base:
            if known == key and (type(known) is bool) == (type(key) is bool):
                return known
        raise KeyError(key)
    return key


def optional_get(base: Any, key: Any) -> Optional:
    """Return `base[?key]`: absent where there is no such key, index or base."""
    if type(base) is Optional:
        if not base.present:
            return NONE
        base = base.value
    if type(base) is dict:
        try:
            return Optional(present=True, value=base[_key(base, key)])
        except (KeyError, TypeError):
            return NONE
    if type(base) is list:
        if type(key) is float and key.is_integer():
            key = int(key)
        if type(key) not in {int, Uint}:
            raise CelError(f"unsupported index type '{kind_of(key)}' in list")
        return Optional(present=True, value=base[key]) if 0 <= key < len(base) else NONE
    if isinstance(base, ObjectValue):
        return Optional(present=True, value=base.fields[key]) if key in base.fields else NONE
    return (
        NONE  # what has no fields has not this one (attributes.go: refQualify, errorOnBadPresenceTest is off)
    )


def _slot(slot: int) -> Step:
    def local(frame: Frame) -> Any:
        frame.cost += 1
        return frame.slots[slot]

    return local


def _lazy(name: str, field: str) -> Step:
    def lazy(frame: Frame) -> Any:
        frame.cost += 1
        return frame.variables[name].resolve(field)

    return lazy


def _walk(base: Step, fields: list[str], extra: int) -> Step:
    cost = len(fields) + extra

    def walk(frame: Frame) -> Any:
        value = base(frame)
        frame.cost += cost
        for field in fields:
            value = value[field] if type(value) is dict and field in value else get(value, field)
        return value

    return walk


def _walk_variable(name: str, fields: tuple[str, ...]) -> Step:
    cost = len(fields) + 1

    def walk(frame: Frame) -> Any:
        frame.cost += cost
        try:
            value = frame.variables[name]
        except KeyError:
            raise CelError(f"no such attribute(s): {name}") from None
        for field in fields:
            value = value[field] if type(value) is dict and field in value else get(value, field)
        return value

    return walk


def _has(operand: Step, field: str) -> Step:
    def has(frame: Frame) -> bool:
        value = operand(frame)
        if type(value) is dict:
            return field in value
        if type(value) is Optional:
            return value.present and optional_get(value, field).present
        if isinstance(value, ObjectValue):
            return field in value.fields
        if type(value) is list:
            raise CelError(f"unsupported index type 'string' in list for {field}")
        return False  # as in optional_get: null and plain values have no fields

    return has


def _optional_select(operand: Step, field: str) -> Step:
    def select(frame: Frame) -> Any:
        found = optional_get(operand(frame), field)
        frame.cost += found.present  # an absent step costs nothing
        return found

    return select


# ---- logic ----


def _all_of(terms: list[Step]) -> Step:
    def every(frame: Frame) -> bool:
        failure: CelError | None = None
        for term in terms:
            try:
                value = term(frame)
            except CelError as error:
                failure = failure or error
                continue
            if value is False:
                return False
            if value is not True:
                failure = failure or no_overload("_&&_", value)
        if failure is not None:
            raise failure
        return True

    return every


def _any_of(terms: list[Step]) -> Step:
    def some(frame: Frame) -> bool:
        failure: CelError | None = None
        for term in terms:
            try:
                value = term(frame)
            except CelError as error:
                failure = failure or error
                continue
            if value is True:
                return True
            if value is not False:
                failure = failure or no_overload("_||_", value)
        if failure is not None:
            raise failure
        return False

    return some


def _ternary(test: Step, yes: Step, no: Step, yes_is_path: bool, no_is_path: bool) -> Step:
    # A branch that is a path costs one less: it is resolved as part of the conditional.
    def ternary(frame: Frame) -> Any:
        value = test(frame)
        if value is True:
            frame.cost -= yes_is_path
            return yes(frame)
        if value is False:
            frame.cost -= no_is_path
            return no(frame)
        raise no_overload("_?_:_", value)

    return ternary


# ---- functions ----


def _apply(function: str, overloads: list[Overload], steps: list[Step], given: list[Type]) -> Step:
    if len(overloads) == 1:
        return _single(function, overloads[0], steps, given)
    guarded = [(one, [_CLASSES.get(arg.kind) for arg in one.args], one.args) for one in overloads]

    def choose(frame: Frame) -> Any:
        values = [step(frame) for step in steps]
        for one, _, wanted in guarded:
            if all(map(_fits, wanted, values)):
                return _invoke(frame, one, values)
        raise no_overload(function, *values)

    return choose


def _single(function: str, one: Overload, steps: list[Step], given: list[Type]) -> Step:
    unsure = [
        (position, wanted)
        for position, (wanted, have) in enumerate(zip(one.args, given, strict=True))
        if wanted.kind not in {"dyn", "param"} and (have != wanted or wanted.params)
    ]
    call, cost, context = one.call, one.cost, one.context

    def invoke(frame: Frame) -> Any:
        values = [step(frame) for step in steps]
        for position, wanted in unsure:
            if not _fits(wanted, values[position]):
                raise no_overload(function, *values)
        result = call(frame, *values) if context else call(*values)
        frame.cost += 1 if cost is None else cost(result, *values)
        frame.spend()
        return result

    return invoke


def _invoke(frame: Frame, one: Overload, values: list[Any]) -> Any:
    result = one.call(frame, *values) if one.context else one.call(*values)
    frame.cost += 1 if one.cost is None else one.cost(result, *values)
    frame.spend()
    return result


def _fits(wanted: Type, value: Any) -> bool:
    kind = wanted.kind
    if kind in {"dyn", "param"}:
        return True
    classes = _CLASSES.get(kind)
    if classes is None:
        return kind_of(value) == kind
    if type(value) not in classes:
        return False
    if kind == "list" and wanted.params[0].kind not in {"dyn", "param"} and value:
        return _fits(wanted.params[0], value[0])
    return True


__all__ = ["CALL_LIMIT", "INT_MAX", "INT_MIN", "Compiler", "Frame", "equal"]
