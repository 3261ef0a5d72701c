"""What the API server fills in, by the types of the API (kubernetes pkg/apis/*/defaults.go, read at v1.34.4).

The incoming object has its defaults already: this fills what a mutation has brought. As the server's generated code
does, a rule belongs to a type wherever it stands, the outer type's before the inner ones', and constants of the
schema (`+default`) come after the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.admission.typed.defaults import cluster, core, workloads
from seawall.policy.admission.typed.jsonpatch import plain_copy
from seawall.policy.admission.typed.model import BUILTIN, ListType, MapType, Reference
from seawall.policy.admission.typed.quantities import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
RULES: dict[str, Callable[[Json], None]] = core.RULES | workloads.RULES | cluster.RULES
_QUANTITY = "api.resource.Quantity"
_CORE = "core.v1."


def with_api_defaults(kind: Reference, obj: Json) -> Json:
    """Return a copy of an object of a type of the API with its defaults."""
    found: Json = plain_copy(obj)
    try:
        _fill(kind, found, "")
    except (AttributeError, TypeError):
        return obj  # out of shape: whoever decodes it next says where
    return found


def _fill(reference: Reference, value: Any, owner: str) -> Any:
    """Fill a value of a type in place; return what stands for it (only quantities are rewritten)."""
    while isinstance(reference, str) and len(reference) > 1:
        if reference == _QUANTITY:
            return canonical(value, milli=owner.startswith(_CORE))
        rule = RULES.get(reference)
        if rule is not None and isinstance(value, dict):
            rule(value)
        owner = reference
        reference = BUILTIN.named(reference)
    if isinstance(reference, MapType) and isinstance(value, dict):
        for name, constant in reference.defaults.items():
            if constant and value.get(name) in (None, "", 0) and value.get(name) is not False:
                value[name] = constant
        for name, child in value.items():
            inner = reference.fields.get(name, reference.item)
            if inner is not None and (isinstance(child, (dict, list)) or inner == _QUANTITY):
                value[name] = _fill(inner, child, owner)
    elif isinstance(reference, ListType) and isinstance(value, list):
        for index, child in enumerate(value):
            value[index] = _fill(reference.item, child, owner)
    return value


__all__ = ["RULES", "with_api_defaults"]
