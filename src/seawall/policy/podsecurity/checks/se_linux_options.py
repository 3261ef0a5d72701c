"""A pod may choose among the container types of SELinux and may not choose user or role.

Fields: `securityContext.seLinuxOptions.type`, `.user`, `.role` of the pod and of every container.
Allowed: the types below (from 1.31 also container_engine_t); user and role empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import plural, quoted, setters

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod

TYPES_1_0 = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
TYPES_1_31 = TYPES_1_0 | {"container_engine_t"}


def options_1_0(pod: Pod) -> Fault | None:
    """Judge with the types of 1.0."""
    return _judge(pod, TYPES_1_0)


def options_1_31(pod: Pod) -> Fault | None:
    """Judge with the types of 1.31."""
    return _judge(pod, TYPES_1_31)


def _judge(pod: Pod, allowed: frozenset[str]) -> Fault | None:
    types: set[str] = set()
    also: set[str] = set()

    def bad(context: dict[str, Any]) -> bool:
        options = context.get("seLinuxOptions") or {}
        kind = options.get("type") or ""
        wrong = [field for field in ("user", "role") if options.get(field)]
        also.update(wrong)
        if kind not in allowed:
            types.add(kind)
            return True
        return bool(wrong)

    of_pod = bad(pod.context)
    names = [c.name for c in pod.containers if bad(c.context)]
    if not (of_pod or names):
        return None
    data = [f"{plural('type', 'types', types)} {quoted(sorted(types))}"] if types else []
    data += [f"{field} may not be set" for field in ("user", "role") if field in also]
    return (
        "seLinuxOptions",
        f"{setters(of_pod, names)} set forbidden securityContext.seLinuxOptions: {'; '.join(data)}",
    )


CHECK = Check(
    id="seLinuxOptions",
    level="baseline",
    versions=(Version(0, options_1_0), Version(31, options_1_31)),
    needs=frozenset({"seLinuxOptions"}),
    path="spec.securityContext.seLinuxOptions",
)
