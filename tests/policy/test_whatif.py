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
