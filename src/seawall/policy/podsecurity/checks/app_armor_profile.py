"""A pod may not switch the runtime's AppArmor profile off or override it with an unconfined one.

Fields: `spec.securityContext.appArmorProfile.type`, the same of every container, and every annotation
below `container.apparmor.security.beta.kubernetes.io/`, even one for a container that does not exist.
Allowed: RuntimeDefault, Localhost; in annotations: empty, `runtime/default`, `localhost/...`. Every version
reads both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import go_quote, plural, quoted, setters

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod

ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
ALLOWED = ("RuntimeDefault", "Localhost")


def profile_1_0(pod: Pod) -> Fault | None:
    """Judge fields and annotations."""
    values: set[str] = set()
    of_pod = _bad(pod.context, values)
    names = [c.name for c in pod.containers if "appArmorProfile" in c.context and _bad(c.context, values)]
    annotations = sorted(
        f"{key}={go_quote(value)}"
        for key, value in pod.annotations.items()
        if key.startswith(ANNOTATION)
        and value not in {"", "runtime/default"}
        and not value.startswith("localhost/")
    )
    if not (of_pod or names or annotations):
        return None
    who = [setters(of_pod, names)] if of_pod or names else []
    if annotations:
        who.append(plural("annotation", "annotations", annotations))
    shown = sorted(values) + annotations
    return (
        plural("forbidden AppArmor profile", "forbidden AppArmor profiles", shown),
        f"{' and '.join(who)} must not set AppArmor profile type to {quoted(shown)}",
    )


def _bad(context: dict[str, Any], values: set[str]) -> bool:
    profile = context.get("appArmorProfile")
    if profile is None:
        return False
    kind = profile.get("type") or ""
    if kind in ALLOWED:
        return False
    values.add(kind)
    return True


CHECK = Check(
    id="appArmorProfile",
    level="baseline",
    versions=(Version(0, profile_1_0),),
    needs=frozenset(),
    path="spec.securityContext.appArmorProfile.type",
)
