"""Containers that are like one before them are left out of a first look: the answer is that of the whole pod."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seawall.policy.podsecurity import LATEST, evaluate, judge
from seawall.policy.podsecurity.pod import Pod, reduced

GOOD = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abcdef")},
        optional={
            "securityContext": st.sampled_from([GOOD, GOOD, GOOD, {"privileged": True}, {**GOOD, "runAsUser": 0}, {}, None]),
            "ports": st.sampled_from([None, [], [{"containerPort": 1}], [{"containerPort": 1, "hostPort": 2}]]),
            "startupProbe": st.sampled_from([{"exec": {}}, {"httpGet": {"host": "h", "port": 1}}]),
            "lifecycle": st.sampled_from([{}, {"preStop": {"tcpSocket": {"host": "h", "port": 1}}}]),
        },
    ),
    min_size=1,
    max_size=7,
)  # fmt: skip


@given(
    _CONTAINERS,
    _CONTAINERS,
    st.booleans(),
    st.sampled_from(["baseline", "restricted"]),
    st.sampled_from([1, 18, 25, LATEST]),
)
def test_the_answer_is_that_of_the_whole_pod(containers, init, host, level, version):
    spec = {"containers": containers, "initContainers": init}
    assert judge(reduced({}, spec), level, version) == judge(Pod({}, spec), level, version)
    # With the host's network the API server makes host ports of container ports first.
    obj = {"kind": "Pod", "spec": spec | {"hostNetwork": host}}
    found = {violation.check for violation in evaluate(obj, level, version)}
    assert ("hostNamespaces" in found) == host


def test_a_pod_of_equal_containers_is_looked_at_once():
    spec = {
        "containers": [
            {"name": n, "securityContext": dict(GOOD), "ports": [{"containerPort": 1}]} for n in "abcde"
        ]
    }
    assert len(reduced({}, spec).containers) == 1
    bad = {"containers": [{"name": n, "securityContext": {"privileged": True}} for n in "abc"]}
    (violation,) = judge(reduced({}, bad), "baseline", LATEST)
    assert violation.detail == 'containers "a", "b", "c" must not set securityContext.privileged=true'
