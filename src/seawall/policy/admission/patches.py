"""From what a mutation's expression made to a changed object (apiserver `plugin/policy/mutating/patch`)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from seawall.cel.values import (
    Duration,
    ObjectValue,
    Timestamp,
    TypeValue,
    Uint,
    show_duration,
    show_timestamp,
)
from seawall.core.errors import InputError
from seawall.policy.admission.request import Denied
from seawall.policy.admission.typed import (
    BUILTIN,
    DecodeError,
    MismatchError,
    PatchError,
    Reference,
    TypedError,
    apply_patch,
    atomics,
    builtin,
    custom,
    decoded,
    merge,
    validate,
    with_defaults,
)
from seawall.policy.admission.typed.defaults import with_api_defaults

if TYPE_CHECKING:
    from seawall.policy.admission.world import World

Json = dict[str, Any]
JSON_SAFE = 1 << 53
_LISTS_OF_OBJECTS = 35  # mended in 1.35.10 and 1.36.6 at the latest, not in 1.34.13
_CRASH = (
    "Internal error occurred: the API server panics here and closes the connection: before 1.35 a JSONPatch's "
    "value may hold no Object in a list or a map"
)
_PLAIN = 1e21  # from here on Go writes an exponent


class MutationError(Exception):
    """The mutation fails, in the server's words; the policy's failurePolicy decides what that means."""


class Kind:
    """The type of the object that is changed, its defaults, and whether it is a custom one."""

    def __init__(self, world: World, group: str, version: str, kind: str) -> None:
        self.group, self.version, self.kind = group, version, kind
        self.schema: Json | None = None
        reference: Reference | None = builtin(group, version, kind)
        if reference is None:
            for crd in world.kind("apiextensions.k8s.io", "CustomResourceDefinition"):
                spec = crd.get("spec") or {}
                if spec.get("group") == group and (spec.get("names") or {}).get("kind") == kind:
                    found = custom(crd, version)
                    if found is not None:
                        reference, self.schema = found
        if reference is None:
            raise InputError(
                f"the types of {kind} ({group or 'core'}/{version}) are not known, and a mutation needs them",
                hint="give its CustomResourceDefinition in the world",
                code="unknown-kind",
            )
        self.reference: Reference = reference

    def settled(self, obj: Json, *, applied: bool) -> Json:
        """Return the object as the server decodes it, with what it fills in. Raises DecodeError."""
        if self.schema is not None:
            made: Json = with_defaults(obj, self.schema)
            return made
        return with_api_defaults(
            self.reference, decoded(self.reference, _without_nulls(obj), applied=applied)
        )


def apply_configuration(kind: Kind, live: Json, made: Any) -> Json:
    """Merge an `Object{...}` into the live object. Raises MutationError."""
    mismatches = _type_names(made, ["Object"])
    if mismatches:
        raise MutationError(f"type mismatch: {chr(10).join(mismatches)}")
    patch = _native(made)
    if patch is None:
        raise MutationError("invalid return type: *dynamic.ObjectVal")
    # The patch is of the live object's kind, whatever it says itself.
    patch |= {key: live[key] for key in ("apiVersion", "kind") if key in live}
    step = "failed to convert patch object to typed object"
    try:
        validate(BUILTIN, kind.reference, patch)
        touched = atomics(BUILTIN, kind.reference, patch)
        if touched:
            raise MutationError(
                "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: "
                + ", ".join(touched)
            )
        step = "failed to convert original object to typed object"
        validate(BUILTIN, kind.reference, live, duplicates=True)
        step = "failed to merge patch"
        found: Json = merge(BUILTIN, kind.reference, live, patch)
    except TypedError as error:
        raise MutationError(f"error applying patch: {step}: {error}") from None
    try:
        return kind.settled(found, applied=True)
    except DecodeError as error:
        name = f"{kind.group}/{kind.version}, Kind={kind.kind}"
        raise MutationError(f"unable to convert unstructured object to {name}: {error}") from None


def json_patch(kind: Kind, live: Json, made: list[Any], minor: int) -> Json:
    """Apply a list of `JSONPatch{...}`. Raises MutationError, and Denied where the result is no such object.

    It is also Denied where a server of this `minor` version crashes over the request, whatever failurePolicy says.
    """
    operations: list[Json] = []
    for item in made:
        if not isinstance(item, ObjectValue):
            raise MutationError(
                "type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch"
            )
        fields = item.fields
        operation = {name: fields.get(name, "") for name in ("op", "path", "from")}
        if "value" in fields:
            value = fields["value"]
            if isinstance(value, ObjectValue) and (mismatches := _type_names(value, [value.name])):
                raise MutationError(f"type mismatch: {chr(10).join(mismatches)}")
            if minor < _LISTS_OF_OBJECTS and not isinstance(value, ObjectValue) and _holds_object(value):
                raise Denied(500, "InternalError", _CRASH)
            operation["value"] = _as_json(value)
        operations.append(operation)
    try:
        found: Any = apply_patch(live, operations)
    except MismatchError:
        return live
    except PatchError as error:
        raise MutationError(f"JSON Patch: {error}") from None
    try:
        if not isinstance(found, dict) or not (found.get("kind") and found.get("apiVersion")):
            raise TypedError("Object 'Kind' is missing")
        if kind.schema is None:
            validate(BUILTIN, kind.reference, found, keys=False)
        return kind.settled(found, applied=False)
    except (TypedError, DecodeError) as error:
        # Neither a failure of the policy nor its to decide: 500 even where it says Ignore (b5a.6).
        raise Denied(500, "InternalError", f"Internal error occurred: {error}") from None


def _holds_object(value: Any) -> bool:
    """Whether an `Object...{}` lies in a list or a map, which makes cel-go set a value of another type."""
    if isinstance(value, (list, dict)):
        return any(map(_holds_object, value.values() if isinstance(value, dict) else value))
    return isinstance(value, ObjectValue)


def _type_names(value: Any, path: list[str]) -> list[str]:
    """Return where the names of `Object...` types do not follow the fields they stand in."""
    found: list[str] = []
    if isinstance(value, ObjectValue):
        wanted = ".".join(path)
        if value.name != wanted:
            found.append(
                f'unexpected type name "{value.name}", expected "{wanted}", '
                "which matches field name path from root Object type"
            )
        for name, item in value.fields.items():
            found += _type_names(item, [*path, name])
    elif isinstance(value, list):
        for item in value:
            found += _type_names(item, path)
    elif isinstance(value, dict):
        for item in value.values():
            found += _type_names(item, path)
    return found


class _Foreign:
    """A value that no API object can hold, such as a timestamp or CEL's null: it fits no type."""


def _native(value: Any) -> Any:
    """Return an Object as plain values; None where a key is no string. What does not fit stays foreign."""
    if isinstance(value, ObjectValue):
        found = {name: _native(item) for name, item in value.fields.items()}
        return None if any(item is None for item in found.values()) else found
    if isinstance(value, dict):
        if any(type(key) is not str for key in value):
            return None
        return {key: _native(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_native(item) for item in value]
    if isinstance(value, (str, bool, int)):
        return value
    return _whole(value) if isinstance(value, float) else _Foreign()


def _as_json(value: Any) -> Any:
    """Return a value as JSON (cel-go `ConvertToNative` of structpb.Value). Raises MutationError."""
    if isinstance(value, ObjectValue):
        return {name: _as_json(item) for name, item in value.fields.items()}
    if isinstance(value, dict):
        return {_key(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return _whole(value)
    if isinstance(value, (int, Uint)):
        # Beyond what a double holds exactly, JSON's integer is written as text.
        return int(value) if -JSON_SAFE < value < JSON_SAFE else str(int(value))
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Duration):
        return show_duration(value)
    if isinstance(value, Timestamp):
        return show_timestamp(value)
    what = value.name if isinstance(value, TypeValue) else type(value).__name__
    raise MutationError(
        f"JSONPath valueExpression evaluated to a type that could not marshal to JSON: {what}"
    )


def _whole(value: float) -> float:
    """Return a double as Go writes it into JSON: `2.0` is `2`."""
    return int(value) if value.is_integer() and abs(value) < _PLAIN else value


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, (str, int, Uint)):
        return str(key)
    raise MutationError(
        "JSONPath valueExpression evaluated to a type that could not marshal to JSON: map key"
    )


def _without_nulls(value: Any) -> Any:
    """Return an object as it is after it was decoded into its Go type: a null is no field."""
    if isinstance(value, dict):
        return {
            key: _without_nulls(item)
            for key, item in value.items()
            if item is not None or key == "creationTimestamp"
        }
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


__all__ = ["Kind", "MutationError", "apply_configuration", "json_patch"]
