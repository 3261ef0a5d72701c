"""What an expression may use: variables, object types, functions, macros."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.cel.types import Type, parse_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Cost = Callable[..., int]


class Overload(NamedTuple):
    """One signature of a function.

    Attributes:
        function: its name; namespaced ones have dots.
        member: called as a method; the receiver is the first of `args`.
        args: types, with parameters.
        result: type.
        call: the implementation; takes Python values, raises CelError.
        cost: of a call from its arguments and result, None for 1.
        context: the implementation wants the frame of the evaluation first.
    """

    function: str
    member: bool
    args: tuple[Type, ...]
    result: Type
    call: Callable[..., Any]
    cost: Cost | None = None
    context: bool = False


def overload(
    signature: str, call: Callable[..., Any], cost: Cost | None = None, *, context: bool = False
) -> Overload:
    """Read a signature: `string.charAt(int) -> string` is a method, `size(list<T>) -> int` a function.

    A namespaced function is written with a colon: `sets:contains(list<T>, list<T>) -> bool`.
    """
    head, _, result = signature.rpartition(" -> ")
    name, _, inner = head.partition("(")
    args = _split(inner[:-1])
    member = "." in name and ":" not in name
    if member:
        receiver, _, name = name.rpartition(".")
        args = [receiver, *args]
    return Overload(
        name.replace(":", ".") if name[0].isalpha() else name,
        member,
        tuple(map(parse_type, args)),
        parse_type(result),
        call,
        cost,
        context,
    )


def _split(text: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for char in text:
        depth += (char == "<") - (char == ">")
        if char == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += char
    return [*parts, current.strip()] if current.strip() else parts


class Functions(NamedTuple):
    """The functions and macros of one set of libraries."""

    overloads: Mapping[str, tuple[Overload, ...]]
    macros: frozenset[str]


class Environment(NamedTuple):
    """Everything that a name in an expression can mean.

    Attributes:
        functions: see `seawall.cel.library.functions_of`.
        variables: name -> type; a name may have dots.
        objects: object type -> field -> type. `Object...` types are built in when `patches` is on.
        lazy: variables whose fields are computed when they are first read.
        patches: `Object{}` and `JSONPatch{}` may be written.
    """

    functions: Functions
    variables: Mapping[str, Type]
    objects: Mapping[str, Mapping[str, Type]] = {}
    lazy: frozenset[str] = frozenset()
    patches: bool = False

    def field_type(self, owner: str, field: str) -> Type | None:
        """Return the type of a field of an object type, None where there is no such field."""
        if self.patches and (owner == "Object" or owner.startswith("Object.")):
            return Type("dyn")
        if self.patches and owner == "JSONPatch":
            return JSON_PATCH_FIELDS.get(field)
        return self.objects.get(owner, {}).get(field)

    def is_object(self, name: str) -> bool:
        """Whether a struct of this name may be written."""
        patch = name in {"Object", "JSONPatch"} or name.startswith("Object.")
        return name in self.objects or (self.patches and patch)


JSON_PATCH_FIELDS = {
    "op": Type("string"),
    "path": Type("string"),
    "from": Type("string"),
    "value": Type("dyn"),
}
