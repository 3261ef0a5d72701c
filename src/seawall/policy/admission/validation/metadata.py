"""Names, labels and annotations of an object (apimachinery pkg/api/validation/objectmeta.go, read at v0.34.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.cel.library.kubernetes import FORMATS_BY_NAME

if TYPE_CHECKING:
    from seawall.policy.admission.validation.faults import Faults

Json = dict[str, Any]
MAX_ANNOTATIONS = 256 * 1024  # bytes of all keys and values together


def wrong(form: str, text: object) -> str:
    """Return what keeps a text from a named form (`qualifiedName`, `labelValue`, ...), empty where nothing does."""
    return ", ".join(FORMATS_BY_NAME[form].validate(str(text)))


def metadata(meta: Json, faults: Faults) -> None:
    """Check the metadata of an object whose name is a DNS subdomain and which lies in no namespace."""
    name, prefix = str(meta.get("name") or ""), str(meta.get("generateName") or "")
    if prefix and (why := wrong("dns1123SubdomainPrefix", prefix)):
        faults.add("metadata.generateName", why)
    if not name and not prefix:
        faults.add("metadata.name", "name or generateName is required", "Required")
    elif why := wrong("dns1123Subdomain", final_name(meta)):
        faults.add("metadata.name", why)
    if meta.get("namespace"):
        faults.add("metadata.namespace", "not allowed on this type", "Forbidden")
    labels(meta.get("labels"), "metadata.labels", faults)
    total = 0
    for key, value in (meta.get("annotations") or {}).items():
        if why := wrong("qualifiedName", str(key).lower()):
            faults.add("metadata.annotations", why)
        total += len(str(key).encode()) + len(str(value).encode())
    if total > MAX_ANNOTATIONS:
        faults.add("metadata.annotations", f"may not be more than {MAX_ANNOTATIONS} bytes", "TooLong")


def final_name(meta: Json) -> str:
    """Return the name of an object; one as it may be generated, which is checked like any other."""
    name, prefix = str(meta.get("name") or ""), str(meta.get("generateName") or "")
    return name or (prefix[:58] + "aaaaa" if prefix else "")


def labels(given: Json | None, path: str, faults: Faults) -> None:
    """Check labels, or what a selector asks of them."""
    for key, value in (given or {}).items():
        if why := wrong("qualifiedName", key):
            faults.add(path, why)
        if why := wrong("labelValue", value):
            faults.add(path, why)
