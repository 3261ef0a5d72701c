"""What a decision log may keep of a request: all but the values of Secrets."""

from __future__ import annotations

import base64
from typing import Any

Json = dict[str, Any]
HIDDEN = "redacted"
_CODED = base64.b64encode(HIDDEN.encode()).decode()
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def redacted(request: Json) -> Json:
    """Return an admission request whose Secrets have keys and no values; others as they are, not copied."""
    kind = request.get("kind")
    if not isinstance(kind, dict) or kind.get("kind") != "Secret" or kind.get("group"):
        return request
    found = dict(request)
    for part in ("object", "oldObject"):
        if isinstance(found.get(part), dict):
            found[part] = _secret(found[part])
    return found


def _secret(obj: Json) -> Json:
    found = dict(obj)
    for field, shown in (("data", _CODED), ("stringData", HIDDEN)):
        if field in found:
            values = found[field]
            found[field] = dict.fromkeys(values, shown) if isinstance(values, dict) else None
    metadata = found.get("metadata")
    if isinstance(metadata, dict):
        # kubectl apply keeps the whole manifest in an annotation.
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict) and _APPLIED in annotations:
            found["metadata"] = metadata | {"annotations": annotations | {_APPLIED: HIDDEN}}
    return found


__all__ = ["redacted"]
