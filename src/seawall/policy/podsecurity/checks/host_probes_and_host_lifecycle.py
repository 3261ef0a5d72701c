"""A probe or lifecycle hook may not be sent to another host: the kubelet would be the attacker's hand.

Fields: `host` of `httpGet` and `tcpSocket` in the three probes and the two hooks of every container.
Allowed: empty or unset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version
from seawall.policy.podsecurity.words import containers, plural, quoted

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault
    from seawall.policy.podsecurity.pod import Pod

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS = ("postStart", "preStop")


def hosts_1_34(pod: Pod) -> Fault | None:
    """Judge probes and hooks. Container names are a set here, sorted, unlike in the other checks."""
    names: set[str] = set()
    hosts: set[str] = set()
    for name, _, raw in pod.containers:
        lifecycle = raw.get("lifecycle") or {}
        handlers = [raw.get(probe) for probe in PROBES] + [lifecycle.get(hook) for hook in HOOKS]
        found = [
            host
            for handler in handlers
            if handler
            for action in ("httpGet", "tcpSocket")
            if (host := (handler.get(action) or {}).get("host"))
        ]
        if found:
            names.add(name)
            hosts.update(found)
    if not names:
        return None
    use = plural("uses", "use", names)
    what = plural("probe or lifecycle host", "probe or lifecycle hosts", hosts)
    return (
        "probe or lifecycle host",
        f"{containers(sorted(names))} {use} {what} {quoted(sorted(hosts))}",
    )


CHECK = Check(
    id="hostProbesAndHostLifecycle",
    level="baseline",
    versions=(Version(34, hosts_1_34),),
    needs=frozenset({*PROBES, "lifecycle"}),
    path="spec.containers[*].livenessProbe.httpGet.host",
)
