"""The API's types as CEL's: what `object` has, for checking an expression against the kinds it is for.

apiserver `pkg/cel/common/typeprovider.go` and `openapi/resolver`: a struct is an object type, a map with any
keys a map, a quantity and an int-or-string dynamic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from seawall.cel.types import BOOL, DYN, STRING, Type, list_of, map_of
from seawall.policy.admission.typed.model import BUILTIN, ListType, MapType, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator


class ObjectTypes(Mapping[str, Mapping[str, Type]]):
    """Object type -> field -> type; made as they are asked for, and added to those of the environment."""

    def __init__(self, known: Mapping[str, Mapping[str, Type]], root: Reference) -> None:
        self._known = known
        self._made: dict[str, dict[str, Type]] = {}
        self.root = self._type(root, "object")

    def __getitem__(self, name: str) -> Mapping[str, Type]:
        if name in self._known:
            return self._known[name]
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._known, **self._made})

    def __len__(self) -> int:
        return len(self._known) + len(self._made)

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override] # narrower than Mapping's
        """Return the fields of a type, or the default."""
        if name in self._known:
            return self._known[name]
        return self._made.get(name, default)

    def _type(self, reference: Reference, path: str) -> Type:
        name = reference if isinstance(reference, str) and len(reference) > 1 else f"selfType.{path}"
        shape = BUILTIN.resolve(reference)
        if isinstance(shape, ListType):
            return list_of(self._type(shape.item, f"{path}.item"))
        if isinstance(shape, MapType):
            if shape.struct and shape.item is None:
                if name not in self._made:
                    self._made[name] = made = {}
                    for field, inner in shape.fields.items():
                        made[field] = self._type(inner, f"{path}.{field}")
                return Type(name)
            return map_of(STRING, self._type(shape.item, f"{path}.value")) if shape.item is not None else DYN
        # A number may be an integer or a double: the table does not say, and both compare with both.
        return {"s": STRING, "b": BOOL}.get(shape, DYN)


__all__ = ["ObjectTypes"]
