from __future__ import annotations

from seawall.policy.podsecurity import LATEST
from seawall.policy.whatif import what_if

GOOD = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "a",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}


def _pod(name, namespace, spec):
    return {"kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def test_a_namespace_bears_what_its_weakest_workload_meets():
    plain = {"containers": [{"name": "a"}]}
    found = what_if(
        [
            _pod("p", "a", GOOD),
            _pod("p", "b", GOOD),
            _pod("q", "b", plain),
            _pod("r", "c", plain | {"hostPID": True}),
        ],
        "restricted",
        LATEST,
    )
    assert [(one.namespace, one.level, one.workloads) for one in found] == [
        ("a", "restricted", 1), ("b", "baseline", 2), ("c", "privileged", 1),
    ]  # fmt: skip
    assert found[0].obstacles == ()
    assert [obstacle.name for obstacle in found[1].obstacles] == ["q"]
    assert found[2].obstacles[0].why.startswith("host namespaces (hostPID=true), ")


def test_what_cannot_be_read_promises_nothing():
    (found,) = what_if([_pod("p", "a", {"containers": 3}), _pod("q", "a", GOOD)], "baseline", LATEST)
    assert found.level is None
    assert found.unread


def test_what_holds_no_pod_is_passed_over():
    assert what_if([{"kind": "Secret"}, {"kind": "Deployment"}, {}], "baseline", LATEST) == []


def test_every_version_of_the_standards_at_once():
    sysctls = GOOD | {
        "securityContext": GOOD["securityContext"] | {"sysctls": [{"name": "net.ipv4.tcp_keepalive_time"}]}
    }
    (found,) = what_if([_pod("p", "a", sysctls)], "restricted", LATEST, all_versions=True)
    # The sysctl is allowed since 1.29 (specs/policy.md b1).
    assert [str(span) for span in found.versions] == [
        "privileged at v1.0 to v1.28",
        "restricted at v1.29 to v1.37",
    ]


def test_one_version_is_what_it_is_among_all():
    plain = {"containers": [{"name": "a", "livenessProbe": {"httpGet": {"host": "x", "port": 1}}}]}
    (found,) = what_if([_pod("p", "a", plain)], "baseline", 34, all_versions=True)
    for span in found.versions:
        for version in (span.first, span.last):
            (one,) = what_if([_pod("p", "a", plain)], "baseline", version)
            assert one.level == span.level
