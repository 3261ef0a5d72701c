"""Static types: every name resolved, every call matched to its overloads, what does not fit refused.

The rules of cel-go's checker with Kubernetes' options: aggregate literals are homogeneous, numbers of
different types may be compared by order, durations, timestamps and regular expressions that are written as
literals are checked (specs/policy.md b3, b5a.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.cel.errors import CelError, CompileError, Problem
from seawall.cel.literals import problems
from seawall.cel.tree import (
    Call,
    Fold,
    Ident,
    Index,
    ListLit,
    Literal,
    MapLit,
    Node,
    Select,
    StructLit,
    children,
    qualified_name,
)  # fmt: skip
from seawall.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    ERROR,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    Bindings,
    Type,
    assignable,
    list_of,
    map_of,
    most_general,
    optional_of,
    param,
    substitute,
    type_of,
)  # fmt: skip
from seawall.cel.values import check_regex, parse_duration, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.cel.environment import Environment, Overload

_TYPE_NAMES = {
    "bool": BOOL, "int": INT, "uint": UINT, "double": DOUBLE, "string": STRING, "bytes": BYTES,
    "null_type": NULL, "type": TYPE, "list": list_of(DYN), "map": map_of(DYN, DYN),
    "google.protobuf.Duration": DURATION, "google.protobuf.Timestamp": TIMESTAMP,
    "optional_type": optional_of(DYN),
}  # fmt: skip
_MAX_ERRORS = 20


def check(text: str, tree: Node, environment: Environment) -> Type:
    """Check a tree and write types, slots and overloads into it; return the type of the whole.

    Raises:
        CompileError: every problem found (up to twenty).
    """
    checker = _Checker(environment)
    try:
        found = checker.visit(tree)
    except RecursionError:
        raise CompileError(text, [(0, "expression recursion limit exceeded")]) from None
    if not checker.problems:
        checker.finish(tree)
        if "format" in environment.functions.overloads:
            checker.problems += problems(tree)
    if checker.problems:
        raise CompileError(text, sorted(checker.problems))
    return substitute(checker.bound, found, free_to_dyn=True)


class _Checker:
    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.problems: list[tuple[int, str]] = []
        self.scopes: list[tuple[str, int, Type]] = []
        self.slots = 0
        self.bound: Bindings = {}
        self.fresh = 0

    def problem(self, at: int, text: str) -> Type:
        if len(self.problems) < _MAX_ERRORS:
            self.problems.append((at, text))
        return ERROR

    def new_param(self) -> Type:
        self.fresh += 1
        return param(f"_var{self.fresh}")

    def shown(self, item: Type) -> str:
        return str(substitute(self.bound, item))

    def settle(self, item: Type) -> Type:
        return substitute(self.bound, item)

    def finish(self, tree: Node) -> None:
        """Write the final types: what a parameter is bound to may have become wider after it was met."""
        stack = [tree]
        while stack:
            node = stack.pop()
            node.type = substitute(self.bound, node.type, free_to_dyn=True)
            stack.extend(children(node))

    def visit(self, node: Node) -> Type:
        match node:
            case Literal():
                return node.type
            case Ident():
                found = self.ident(node)
            case Select():
                found = self.select(node)
            case Index():
                found = self.index(node)
            case Call():
                found = self.call(node)
            case ListLit():
                found = self.list_literal(node)
            case MapLit():
                found = self.map_literal(node)
            case StructLit():
                found = self.struct_literal(node)
            case Fold():
                found = self.fold(node)
            case _:
                raise TypeError(type(node).__name__)
        node.type = found
        return found

    # ---- names ----

    def local(self, name: str) -> tuple[int, Type] | None:
        for known, slot, kind in reversed(self.scopes):
            if known == name:
                return slot, kind
        return None

    def named(self, name: str) -> Type | None:
        if name in self.environment.variables:
            return self.environment.variables[name]
        if name in _TYPE_NAMES:
            return type_of(_TYPE_NAMES[name])
        return type_of(Type(name)) if self.environment.is_object(name) else None

    def ident(self, node: Ident) -> Type:
        local = None if node.rooted else self.local(node.name)
        if local is not None:
            node.slot = local[0]
            return local[1]
        found = self.named(node.name)
        if found is None:
            return self.problem(node.at, f"undeclared reference to '{node.name}' (in container '')")
        return found

    def select(self, node: Select) -> Type:
        name = "" if node.test or node.optional else qualified_name(node)
        if name and self.local(name.partition(".")[0]) is None:
            found = self.named(name)
            if found is not None:
                node.qualified = name
                return found
        target = self.settle(self.visit(node.operand))
        if node.optional:
            inner = target.params[0] if target.kind == "optional_type" else target
            return optional_of(self.field(node, inner, optional=True))
        if target.kind == "optional_type":
            found = self.field(node, target.params[0], optional=True)
            return BOOL if node.test else optional_of(found)
        found = self.field(node, target, optional=False)
        return BOOL if node.test else found

    def field(self, node: Select, target: Type, *, optional: bool) -> Type:
        target = self.settle(target)
        if target.kind in {"dyn", "error"}:
            return DYN
        if target.kind == "param":
            assignable(self.bound, target, DYN)
            return DYN
        if target.kind == "map":
            return target.params[1]
        if self.environment.is_object(target.kind):
            found = self.environment.field_type(target.kind, node.field)
            return self.problem(node.at, f"undefined field '{node.field}'") if found is None else found
        del optional
        return self.problem(node.at, f"type '{self.shown(target)}' does not support field selection")

    def index(self, node: Index) -> Type:
        args = [self.visit(node.operand), self.visit(node.key)]
        name = "_[?_]" if node.optional else "_[_]"
        found, _ = self.match(self.environment.functions.overloads.get(name, ()), args)
        return self.no_overload(node.at, name, args, member=False) if found is None else found

    # ---- calls ----

    def call(self, node: Call) -> Type:
        functions = self.environment.functions.overloads
        if node.target is None:
            args = [self.visit(arg) for arg in node.args]
            node.function = node.function.removeprefix(".")
            return self.resolve(node, functions.get(node.function, ()), args, member=False)
        prefix = qualified_name(node.target)
        if prefix and self.local(prefix.partition(".")[0]) is None:
            known = functions.get(f"{prefix}.{node.function}")
            if known:
                node.function, node.target = f"{prefix}.{node.function}", None
                return self.resolve(node, known, [self.visit(arg) for arg in node.args], member=False)
        target = self.visit(node.target)
        args = [target, *(self.visit(arg) for arg in node.args)]
        return self.resolve(node, functions.get(node.function, ()), args, member=True)

    def resolve(self, node: Call, known: Iterable[Overload], args: list[Type], *, member: bool) -> Type:
        known = [one for one in known if one.member == member]
        if not known and node.function not in self.environment.functions.overloads:
            return self.problem(node.at, f"undeclared reference to '{node.function}' (in container '')")
        result, chosen = self.match(known, args)
        if result is None:
            return self.no_overload(node.at, node.function, args, member=member)
        node.overloads = chosen
        self.literals(node)
        return result

    def match(self, known: Iterable[Overload], args: list[Type]) -> tuple[Type | None, list[Overload]]:
        """Return the result and the overloads that take the arguments; dyn where their results differ."""
        result: Type | None = None
        chosen: list[Overload] = []
        for one in known:
            if len(one.args) != len(args):
                continue
            renamed: Bindings = {}
            wanted = [self.instance(arg, renamed) for arg in one.args]
            trial = dict(self.bound)
            if not all(assignable(trial, a, b) for a, b in zip(wanted, args, strict=True)):
                continue
            self.bound = trial
            chosen.append(one)
            found = substitute(trial, self.instance(one.result, renamed))
            if result is None:
                result = found
            elif result != found:
                result = DYN
        return result, chosen

    def instance(self, item: Type, renamed: Bindings) -> Type:
        if item.kind == "param":
            if item not in renamed:
                renamed[item] = self.new_param()
            return renamed[item]
        return (
            Type(item.kind, tuple(self.instance(each, renamed) for each in item.params))
            if item.params
            else item
        )

    def no_overload(self, at: int, function: str, args: list[Type], *, member: bool) -> Type:
        if any(arg.kind == "error" for arg in args):
            return ERROR
        shown = [self.shown(arg) for arg in args]
        form = f"{shown[0]}.({', '.join(shown[1:])})" if member else f"({', '.join(shown)})"
        return self.problem(at, f"found no matching overload for '{function}' applied to '{form}'")

    def literals(self, node: Call) -> None:
        """Check what is written as a literal (ValidateDurationLiterals and its sisters, since 1.29)."""
        arg = node.args[-1] if node.args else None
        if not isinstance(arg, Literal) or not isinstance(arg.value, str):
            return
        try:
            if node.function == "duration" and len(node.args) == 1:
                parse_duration(arg.value)
            elif node.function == "timestamp" and len(node.args) == 1:
                parse_timestamp(arg.value)
            elif node.function == "matches":
                check_regex(arg.value)
        except CelError:
            self.problem(arg.at, f"invalid {node.function} argument")

    # ---- aggregates ----

    def join(self, node: Node, known: Type | None, found: Type) -> Type:
        """Join the type of an element into that of the aggregate, whose elements are of one type.

        Only since 1.29, below a call of `format`, they may differ (the checker takes them, `literals` does not).
        """
        if known is None:
            return found
        if not assignable(self.bound, found, known):
            if "format" in self.environment.functions.overloads:
                return DYN
            self.problem(node.at, f"expected type '{self.shown(known)}' but found '{self.shown(found)}'")
            return known
        return most_general(known, found)

    def list_literal(self, node: ListLit) -> Type:
        item: Type | None = None
        for position, element in enumerate(node.items):
            found = self.visit(element)
            if position in node.optional:
                found = self.unwrapped(element, found)
            item = self.join(element, item, found)
        return list_of(self.new_param() if item is None else item)

    def unwrapped(self, node: Node, found: Type) -> Type:
        found = self.settle(found)
        if found.kind == "optional_type":
            return found.params[0]
        if found.kind in {"dyn", "error"}:
            return DYN
        return self.problem(
            node.at, f"expected type 'optional_type({found})' but found '{self.shown(found)}'"
        )

    def map_literal(self, node: MapLit) -> Type:
        key_type: Type | None = None
        value_type: Type | None = None
        for key, value, optional in node.entries:
            found = self.visit(key)
            key_type = self.join(key, key_type, found)
            found = self.visit(value)
            if optional:
                found = self.unwrapped(value, found)
            value_type = self.join(value, value_type, found)
        return map_of(key_type or self.new_param(), value_type or self.new_param())

    def struct_literal(self, node: StructLit) -> Type:
        known = self.environment.is_object(node.name)
        if not known:
            self.problem(node.at, f"undeclared reference to '{node.name}' (in container '')")
        for field, value, optional in node.entries:
            found = self.visit(value)
            if optional:
                found = self.unwrapped(value, found)
            if not known:
                continue
            wanted = self.environment.field_type(node.name, field)
            if wanted is None:
                self.problem(value.at, f"undefined field '{field}'")
            elif not assignable(self.bound, wanted, found):
                self.problem(
                    value.at,
                    f"expected type of field '{field}' is '{self.shown(wanted)}' but provided type is "
                    f"'{self.shown(found)}'",
                )
        return Type(node.name) if known else ERROR

    # ---- macros ----

    def fold(self, node: Fold) -> Type:
        source = self.settle(self.visit(node.source))
        if node.kind in {"optMap", "optFlatMap"}:
            return self.optional_map(node, source)
        first, second = self.ranged(node, source)
        kinds = (first,) if len(node.variables) == 1 else (first, second)
        if len(node.variables) == 1:
            kinds = (first if source.kind != "list" else second,)
        node.slots = tuple(range(self.slots, self.slots + len(kinds)))
        self.slots += len(kinds)
        self.scopes.extend(zip(node.variables, node.slots, kinds, strict=True))
        test = self.visit(node.test) if node.test is not None else BOOL
        step = self.visit(node.step)
        del self.scopes[-len(kinds) :]
        if node.test is not None:
            self.must_be_bool(node.test, test)
        match node.kind:
            case "all" | "exists" | "exists_one":
                self.must_be_bool(node.step, step)
                return BOOL
            case "filter":
                self.must_be_bool(node.step, step)
                return list_of(kinds[0])
            case "map" | "transformList":
                return list_of(step)
            case "transformMap":
                return map_of(kinds[0], step)
            case "transformMapEntry":
                step = self.settle(step)
                if step.kind not in {"map", "dyn", "error"}:
                    self.no_overload(node.at, "cel.@mapInsert", [map_of(DYN, DYN), step], member=False)
                return step if step.kind == "map" else map_of(DYN, DYN)
            case _:  # sortBy: overloads by the type of the keys
                free = source.kind == "dyn" and self.settle(step).kind == "dyn"
                return DYN if free else list_of(kinds[0])

    def ranged(self, node: Fold, source: Type) -> tuple[Type, Type]:
        """Return the types of the two loop variables: index or key, and value."""
        source = self.settle(source)
        if source.kind == "list":
            return INT, source.params[0]
        if source.kind == "map":
            if node.kind == "sortBy":
                self.no_overload(node.at, "@sortByAssociatedKeys", [source], member=False)
            return source.params[0], source.params[1]
        if source.kind == "param":
            assignable(self.bound, source, DYN)
        elif source.kind not in {"dyn", "error"}:
            self.problem(
                node.source.at,
                f"expression of type '{self.shown(source)}' cannot be range of a comprehension "
                "(must be list, map, or dynamic)",
            )
        return DYN, DYN

    def optional_map(self, node: Fold, source: Type) -> Type:
        if source.kind not in {"optional_type", "dyn", "error"}:
            self.no_overload(node.at, "hasValue", [source], member=True)
        inner = source.params[0] if source.kind == "optional_type" else DYN
        node.slots = (self.slots,)
        self.slots += 1
        self.scopes.append((node.variables[0], node.slots[0], inner))
        step = self.visit(node.step)
        self.scopes.pop()
        if node.kind == "optMap":
            return optional_of(step)
        if step.kind not in {"optional_type", "dyn", "error"}:
            self.no_overload(node.at, "_?_:_", [BOOL, step, optional_of(DYN)], member=False)
        return step

    def must_be_bool(self, node: Node, found: Type) -> None:
        if not assignable(self.bound, BOOL, found):
            self.problem(node.at, f"expected type 'bool' but found '{self.shown(found)}'")


__all__ = ["Problem", "check"]
