"""What Go's decoders make of bytes, times, quantities and integers in an API object, or why they refuse it.

Read at v0.34.4: sigs.k8s.io/json (a JSON Patch's result), apimachinery `runtime/converter.go` (an applied one),
`resource/quantity.go`, `meta/v1/time.go`; encoding/base64 and time/format.go of Go. The shape is checked before.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from seawall.cel import CelError
from seawall.cel.library.kubernetes import parse_quantity
from seawall.policy.admission.typed.goformats import FormatError, base64_text, go_time
from seawall.policy.admission.typed.model import BUILTIN, ListType, MapType, Reference, formats

Json = dict[str, Any]
_QUANTITY, _TIME, _MICRO, _EITHER = (
    "api.resource.Quantity", "apis.meta.v1.Time", "apis.meta.v1.MicroTime", "util.intstr.IntOrString",
)  # fmt: skip
_OPAQUE = {_QUANTITY, _TIME, _MICRO, _EITHER}
_BITS = {"int32": 31, "int64": 63}
_SPLIT = re.compile(r"[+-]?[0-9]*(\.[0-9]*)?[eEinumkKMGTP]*[-+]?[0-9]*")


class DecodeError(Exception):
    """A value is none of its type; the text is the server's."""


class _Fault(NamedTuple):
    """Why a value is refused; one that is `final` ends Go's decoding, the first of the others is told at its end."""

    message: str
    final: bool


class _Decoder:
    """One pass over an object; `applied` says that Go's values are converted and no JSON is read."""

    def __init__(self, *, applied: bool) -> None:
        self.applied = applied
        self.faults: list[_Fault] = []

    def fault(self, message: str, *, final: bool) -> None:
        self.faults.append(_Fault(message, final))

    def into(self, what: str, kind: str, path: tuple[str, ...], owner: str) -> str:
        """Return how encoding/json says that a value is not of a Go type."""
        return (
            f"json: cannot unmarshal {what} into Go struct field {owner.rpartition('.')[2]}.{'.'.join(path)} "
            f"of type {kind}"
        )

    def value(self, reference: Reference, value: Any, path: tuple[str, ...], owner: str, form: str) -> Any:
        """Return the value as the server writes it again."""
        while isinstance(reference, str) and len(reference) > 1:
            if reference in _OPAQUE:
                return self.opaque(reference, value, path, owner)
            owner, reference = reference, BUILTIN.named(reference)
        if isinstance(reference, MapType) and isinstance(value, dict):
            own = formats(owner) if reference.struct else {}
            for name, child in value.items():
                inner = reference.fields.get(name, reference.item)
                if inner is None or child is None:
                    continue
                if reference.struct:
                    value[name] = self.value(inner, child, (*path, name), owner, own.get(name, ""))
                else:
                    value[name] = self.value(inner, child, path, owner, form)
        elif isinstance(reference, ListType) and isinstance(value, list):
            for index, child in enumerate(value):
                value[index] = self.value(reference.item, child, path, owner, form)
        elif reference == "n":
            return self.number(value, path, owner, form)
        elif reference == "s" and form == "byte":
            return self.bytes(value)
        return value

    def bytes(self, value: str) -> str:
        try:
            return base64_text(value)
        except FormatError as error:
            self.fault(f"{'error decoding from json: ' if self.applied else ''}{error}", final=False)
            return value

    def number(self, value: Any, path: tuple[str, ...], owner: str, form: str) -> Any:
        if form == "double":
            return value
        kind = form or "int32"
        if isinstance(value, float) and not value.is_integer():
            if self.applied:
                self.fault(f"cannot convert float64 to {kind}", final=True)
            else:
                self.fault(self.into(f"number {value!r}", kind, path, owner), final=False)
            return value
        whole, limit = int(value), 1 << _BITS[kind]
        if not -limit <= whole < limit:
            if not self.applied:
                self.fault(self.into(f"number {whole}", kind, path, owner), final=False)
            whole = (whole + limit) % (2 * limit) - limit  # Go's conversion keeps the lower bits
        return whole

    def opaque(self, reference: str, value: Any, path: tuple[str, ...], owner: str) -> Any:
        """Return a value of a type that reads its JSON itself."""
        if reference == _EITHER:
            if isinstance(value, str):
                return value
            if isinstance(value, bool) or not float(value).is_integer() or not -(1 << 31) <= value < 1 << 31:
                what = "bool" if isinstance(value, bool) else f"number {value!r}"
                self.fault(self.own(what, "int32", path, owner), final=True)
                return value
            return int(value)
        if reference == _QUANTITY:
            text = str(value).strip() if isinstance(value, str) else repr(value)
            try:
                parse_quantity(text)
            except CelError as error:
                known = _SPLIT.fullmatch(text) and text
                self.fault("unable to parse quantity's suffix" if known else str(error), final=True)
            return value
        if not isinstance(value, str):
            what = "bool" if isinstance(value, bool) else "number"
            self.fault(self.own(what, "string", path, owner), final=True)
            return value
        try:
            return _time(value, micro=reference == _MICRO)
        except FormatError as error:
            self.fault(str(error), final=True)
            return value

    def own(self, what: str, kind: str, path: tuple[str, ...], owner: str) -> str:
        if self.applied:
            return f"json: cannot unmarshal {what} into Go value of type {kind}"
        return self.into(what, kind, path, owner)


def decoded(kind: Reference, obj: Json, *, applied: bool) -> Json:
    """Return an object, changed in place, with its values in the server's form. Raises DecodeError."""
    decoder = _Decoder(applied=applied)
    decoder.value(kind, obj, (), "", "")
    faults = decoder.faults
    if faults:
        final = faults if applied else [fault for fault in faults if fault.final]
        raise DecodeError((final or faults)[0].message)
    return obj


def _time(text: str, *, micro: bool) -> str:
    """Return a time in UTC, to the second or the microsecond. Raises FormatError."""
    year, month, day, hour, minute, second, nanos, offset = go_time(text, micro=micro)
    zone = timedelta(seconds=offset)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - zone
    except (ValueError, OverflowError):
        return text  # the year 0, or one beyond 9999
    made = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}T{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}"
    return f"{made}.{nanos // 1000:06d}Z" if micro else f"{made}Z"


__all__ = ["DecodeError", "decoded"]
