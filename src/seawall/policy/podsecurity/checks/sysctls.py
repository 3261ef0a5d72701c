"""A pod may set only sysctls that are namespaced and isolated.

Fields: `spec.securityContext.sysctls[*].name`.
Allowed: a list that has grown with 1.27, 1.29, 1.32 and 1.37.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.policy.podsecurity.check import Check, Version

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Fault, Rule
    from seawall.policy.podsecurity.pod import Pod

ALLOWED_1_0 = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
    }
)
ALLOWED_1_27 = ALLOWED_1_0 | {"net.ipv4.ip_local_reserved_ports"}
ALLOWED_1_29 = ALLOWED_1_27 | {
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
ALLOWED_1_32 = ALLOWED_1_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
ALLOWED_1_37 = ALLOWED_1_32 | {"net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"}


def _rule(allowed: frozenset[str]) -> Rule:
    def sysctls(pod: Pod) -> Fault | None:
        names = [item.get("name") or "" for item in pod.context.get("sysctls") or ()]
        forbidden = [name for name in names if name not in allowed]
        return ("forbidden sysctls", ", ".join(forbidden)) if forbidden else None

    return sysctls


CHECK = Check(
    id="sysctls",
    level="baseline",
    versions=(
        Version(0, _rule(ALLOWED_1_0)),
        Version(27, _rule(ALLOWED_1_27)),
        Version(29, _rule(ALLOWED_1_29)),
        Version(32, _rule(ALLOWED_1_32)),
        Version(37, _rule(ALLOWED_1_37)),
    ),
    needs=frozenset({"sysctls"}),
    path="spec.securityContext.sysctls[*].name",
)
