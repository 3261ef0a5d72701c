"""The smallest patch: the engine that refused takes the patched object, and no operation of it can be spared."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.errors import InputError
from seawall.policy.admission.typed import apply_patch
from seawall.policy.fixes import smallest_fix
from seawall.policy.podsecurity import LATEST, evaluate

PLAIN = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}]}}


def _pod(**spec):
    return PLAIN | {"spec": {"containers": [{"name": "a"}], **spec}}


def _contained(**context):
    return _pod(containers=[{"name": "a", "securityContext": context}])


@pytest.mark.parametrize(
    ("obj", "level", "version", "patch", "remaining"),
    [
        (PLAIN, "baseline", LATEST, [], []),
        (
            PLAIN, "restricted", LATEST,
            [
                {"op": "add", "path": "/spec/containers/0/securityContext",
                 "value": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}},
                {"op": "add", "path": "/spec/securityContext",
                 "value": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}},
            ], [],
        ),
        (_pod(hostNetwork=True, hostPID=False), "baseline", LATEST, [{"op": "remove", "path": "/spec/hostNetwork"}], []),
        (_contained(privileged=True), "baseline", LATEST, [{"op": "remove", "path": "/spec/containers/0/securityContext/privileged"}], []),
        (
            _contained(capabilities={"add": ["NET_RAW", "CHOWN", "SYS_ADMIN"]}), "baseline", LATEST,
            [
                {"op": "replace", "path": "/spec/containers/0/securityContext/capabilities/add/0", "value": "CHOWN"},
                {"op": "remove", "path": "/spec/containers/0/securityContext/capabilities/add/2"},
                {"op": "remove", "path": "/spec/containers/0/securityContext/capabilities/add/1"},
            ], [],
        ),
        (
            _pod(securityContext={"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "1"}, {"name": "kernel.msgmax", "value": "1"}]}),
            "baseline", LATEST, [{"op": "remove", "path": "/spec/securityContext/sysctls/1"}], [],
        ),
        (
            _pod(containers=[{"name": "a", "ports": [{"containerPort": 80, "hostPort": 80}]}]), "baseline", LATEST,
            [{"op": "remove", "path": "/spec/containers/0/ports/0/hostPort"}], [],
        ),
        (_pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), "baseline", LATEST, [], ["hostPathVolumes"]),
        (
            _pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}], hostIPC=True), "baseline", LATEST,
            [{"op": "remove", "path": "/spec/hostIPC"}], ["hostPathVolumes"],
        ),
        (
            _pod(containers=[{"name": "a", "livenessProbe": {"httpGet": {"host": "h", "port": 1}}}]), "baseline", 34,
            [{"op": "remove", "path": "/spec/containers/0/livenessProbe/httpGet/host"}], [],
        ),
        # Before 1.34 nobody looks at the host of a probe.
        (_pod(containers=[{"name": "a", "livenessProbe": {"httpGet": {"host": "h", "port": 1}}}]), "baseline", 33, [], []),
        (
            PLAIN | {"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/a": "unconfined", "x": "y"}}}, "baseline", LATEST,
            [{"op": "remove", "path": "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1a"}], [],
        ),
        # The pod may stay root in a user namespace of its own since 1.35: nothing is asked of it then.
        (
            _pod(hostUsers=False, containers=[{"name": "a", "securityContext": {
                "runAsUser": 0, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "Localhost"}}}]),
            "restricted", 35, [], [],
        ),
    ],
)  # fmt: skip
def test_the_patch_and_what_it_leaves_to_a_person(obj, level, version, patch, remaining):
    before = copy.deepcopy(obj)
    found = smallest_fix(obj, level, version)
    assert (list(found.patch), list(found.remaining)) == (patch, remaining)
    assert obj == before


def test_a_template_is_patched_where_it_lies():
    job = {"kind": "CronJob", "metadata": {"name": "c"}, "spec": {"jobTemplate": {"spec": {"template": {"spec": {
        "hostPID": True, "containers": [{"name": "a"}]}}}}}}  # fmt: skip
    found = smallest_fix(job, "baseline", LATEST)
    assert found.removes == ("/spec/jobTemplate/spec/template/spec/hostPID",)


def test_what_is_no_pod_is_said():
    with pytest.raises(InputError):
        smallest_fix({"kind": "Secret"}, "baseline", LATEST)
    with pytest.raises(InputError):
        smallest_fix(_pod(containers=[3]), "restricted", LATEST)


_CONTEXT = st.fixed_dictionaries(
    {},
    optional={
        "privileged": st.booleans(),
        "runAsNonRoot": st.booleans(),
        "runAsUser": st.sampled_from([0, 1000]),
        "allowPrivilegeEscalation": st.booleans(),
        "procMount": st.sampled_from(["Default", "Unmasked"]),
        "seccompProfile": st.sampled_from(
            [{"type": "Unconfined"}, {"type": "RuntimeDefault"}, {"type": "Localhost"}]
        ),
        "appArmorProfile": st.sampled_from([{"type": "Unconfined"}, {"type": "RuntimeDefault"}]),
        "seLinuxOptions": st.sampled_from(
            [{"type": "spc_t", "level": "s0"}, {"user": "u", "type": "container_t"}]
        ),
        "windowsOptions": st.sampled_from([{"hostProcess": True}, {"hostProcess": False}]),
        "capabilities": st.sampled_from(
            [
                {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
                {"add": ["NET_RAW", "CHOWN"]},
                {"drop": ["CHOWN"]},
            ]
        ),
    },
)
_CONTAINER = st.fixed_dictionaries(
    {"name": st.sampled_from("abc")},
    optional={
        "securityContext": _CONTEXT,
        "ports": st.sampled_from([[{"containerPort": 1, "hostPort": 1}, {"containerPort": 2}]]),
        "readinessProbe": st.sampled_from([{"tcpSocket": {"host": "h", "port": 1}}]),
    },
)
_PODS = st.fixed_dictionaries(
    {"containers": st.lists(_CONTAINER, min_size=1, max_size=3)},
    optional={
        "initContainers": st.lists(_CONTAINER, max_size=2),
        "hostNetwork": st.booleans(),
        "hostIPC": st.booleans(),
        "hostUsers": st.booleans(),
        "os": st.just({"name": "windows"}),
        "volumes": st.sampled_from([[{"name": "v", "nfs": {}}], [{"name": "v", "hostPath": {"path": "/"}}], [{"name": "v"}]]),
        "securityContext": st.fixed_dictionaries(
            {}, optional={"runAsNonRoot": st.booleans(), "runAsUser": st.sampled_from([0, 5]), "sysctls": st.just([{"name": "x"}])}
        ),
    },
)  # fmt: skip


@given(_PODS, st.sampled_from(["baseline", "restricted"]), st.sampled_from([0, 20, 25, 34, 35, LATEST]))
def test_every_cure_is_one_and_no_operation_can_be_spared(spec, level, version):
    obj = {"kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    found = smallest_fix(obj, level, version)
    # Only volumes are left to a person, and only where they were bad before.
    assert set(found.remaining) <= {"restrictedVolumes", "hostPathVolumes"}
    patched = apply_patch(obj, list(found.patch))
    assert {one.check for one in evaluate(patched, level, version)} == set(found.remaining)
    for position in range(len(found.patch)):
        fewer = [one for number, one in enumerate(found.patch) if number != position]
        if any(one["op"] == "remove" and one["path"][-1].isdigit() for one in found.patch):
            continue  # operations on one list lean on each other
        left = {one.check for one in evaluate(apply_patch(obj, fewer), level, version)}
        assert not left <= set(found.remaining)
