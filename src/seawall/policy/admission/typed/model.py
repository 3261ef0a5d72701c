"""The types of API objects: fields, and how maps and lists of each merge (structured-merge-diff `schema`)."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json = dict[str, Any]


class ListType(NamedTuple):
    """A list: `rule` is atomic, set, or map (with the `keys` that tell its items apart)."""

    rule: str
    item: Any
    keys: tuple[str, ...] = ()


class MapType(NamedTuple):
    """A map or a struct: fields that have names, and `item` for all others (None: there are no others).

    `struct` says that fields are those of a Go struct; `pruning` that unknown fields are dropped, not refused.
    """

    fields: Mapping[str, Any] = {}
    item: Any = None
    atomic: bool = False
    defaults: Mapping[str, Any] = {}
    struct: bool = False


Reference = Any
"""`s`, `n`, `b`, `u` (a scalar), `*` (anything), the name of a type, a ListType or a MapType."""


class Types(NamedTuple):
    """A set of types; `resolve` follows a name."""

    named: Callable[[str], Reference]

    def resolve(self, reference: Reference) -> Reference:
        """Return what a reference stands for: a scalar's letter, `*`, a ListType or a MapType."""
        while isinstance(reference, str) and len(reference) > 1:
            reference = self.named(reference)
        return reference


@functools.cache
def _table() -> Json:
    text = resources.files("seawall.policy.admission.typed").joinpath("kubernetes.json").read_bytes()
    found: Json = json.loads(text)
    return found


@functools.cache
def _named(name: str) -> Reference:
    return _read(_table()["types"][name])


def _read(given: Any) -> Reference:
    if isinstance(given, str):
        return given
    if isinstance(given, list):
        return ListType(given[0], _read(given[1]), tuple(given[2:]))
    fields = {name: _read(each) for name, each in given.get("fields", {}).items()}
    item = _read(given["of"]) if "of" in given else None
    return MapType(fields, item, bool(given.get("atomic")), given.get("defaults", {}), "fields" in given)


BUILTIN = Types(_named)


def builtin(group: str, version: str, kind: str) -> Reference | None:
    """Return the type of a kind of the API server itself (as of 1.34), or None."""
    name = "/".join(part for part in (group, version, kind) if part)
    return _table()["kinds"].get(name)


def formats(name: str) -> Mapping[str, str]:
    """Return the fields of a type that hold bytes, 64-bit integers or doubles: `byte`, `int64`, `double`."""
    found: Mapping[str, str] = _table()["formats"].get(name, {})
    return found


def kinds() -> list[str]:
    """Return the kinds of the API server itself, each once."""
    return sorted({name.rpartition("/")[2] for name in _table()["kinds"]})


__all__ = ["BUILTIN", "ListType", "MapType", "Reference", "Types", "builtin", "formats", "kinds"]
