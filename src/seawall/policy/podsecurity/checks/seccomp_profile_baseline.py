"""A pod may not switch seccomp off.

Fields: before 1.19 the annotations `seccomp.security.alpha.kubernetes.io/pod` and
`container.seccomp.security.alpha.kubernetes.io/<an existing container>`; from 1.19 only
`securityContext.seccompProfile.type` of the pod and of every container.
Allowed: RuntimeDefault, Localhost, unset; in annotations `runtime/default`, `docker/default`,
`localhost/...`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import go_quote, plural, quoted, setters

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod

POD_ANNOTATION = "seccomp.security.alpha.kubernetes.io/pod"
CONTAINER_ANNOTATION = "container.seccomp.security.alpha.kubernetes.io/"
ALLOWED = ("RuntimeDefault", "Localhost")


def seccomp_1_0(pod: Pod) -> Fault | None:
    """Judge the annotations."""
    keys = [POD_ANNOTATION, *(CONTAINER_ANNOTATION + c.name for c in pod.containers)]
    forbidden = {
        f"{key}={go_quote(value)}"
        for key in keys
        if (value := pod.annotations.get(key)) is not None
        and value not in {"runtime/default", "docker/default"}
        and not value.startswith("localhost/")
    }
    if not forbidden:
        return None
    what = plural("annotation", "annotations", forbidden)
    return ("seccompProfile", f"forbidden {what} {', '.join(sorted(forbidden))}")


def seccomp_1_19(pod: Pod) -> Fault | None:
    """Judge the fields."""
    values: set[str] = set()
    of_pod = is_bad(pod.context.get("seccompProfile"), values)
    names = [c.name for c in pod.containers if is_bad(c.context.get("seccompProfile"), values)]
    return forbidden_types(of_pod, names, values) if of_pod or names else None


def is_bad(profile: dict[str, Any] | None, values: set[str]) -> bool:
    """Whether a profile is there and its type is not allowed; the type is then added to `values`."""
    if profile is None:
        return False
    kind = profile.get("type") or ""
    if kind in ALLOWED:
        return False
    values.add(kind)
    return True


def forbidden_types(of_pod: bool, names: list[str], values: set[str]) -> Fault:
    """Word the fault of whoever sets a forbidden type."""
    who = setters(of_pod, names)
    return (
        "seccompProfile",
        f"{who} must not set securityContext.seccompProfile.type to {quoted(sorted(values))}",
    )


CHECK = Check(
    id="seccompProfile_baseline",
    level="baseline",
    versions=(Version(0, seccomp_1_0), Version(19, seccomp_1_19)),
    needs=frozenset(),
    path="spec.securityContext.seccompProfile.type",
)
