"""API objects by their types: structured merge, JSON Patch, and what the server fills in."""

from seawall.policy.admission.typed.custom import custom, with_defaults
from seawall.policy.admission.typed.decoding import DecodeError, decoded
from seawall.policy.admission.typed.jsonpatch import MismatchError, PatchError, apply_patch, difference
from seawall.policy.admission.typed.merge import TypedError, atomics, merge, validate
from seawall.policy.admission.typed.model import BUILTIN, Reference, builtin

__all__ = [
    "BUILTIN",
    "DecodeError",
    "MismatchError",
    "PatchError",
    "Reference",
    "TypedError",
    "apply_patch",
    "atomics",
    "builtin",
    "custom",
    "decoded",
    "difference",
    "merge",
    "validate",
    "with_defaults",
]
