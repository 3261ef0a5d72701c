"""Every control over workloads sees every kind of workload, every kind of container, and lists of them.

The kinds and where they keep their pods: the Kubernetes API reference (v1.34), PodTemplateSpec's users.
"""

from __future__ import annotations

import copy
import json

import pytest

from seawall.controls import Catalogue, Options, assess
from seawall.core import Outcome
from seawall.sources import read_paths
from support.estates import NOW

CATALOGUE = Catalogue()
BAD_CONTAINER = {
    "name": "c",
    "image": "nginx:latest",
    "env": [{"name": "DB_PASSWORD", "value": "not-a-real-one"}],
    "envFrom": [{"secretRef": {"name": "s"}}],
    "ports": [{"containerPort": 80, "hostPort": 80}],
    "securityContext": {"privileged": True, "capabilities": {"add": ["SYS_ADMIN"]}},
}
BAD_POD = {
    "hostPID": True,
    "hostNetwork": True,
    "volumes": [{"name": "h", "hostPath": {"path": "/"}}],
    "containers": [BAD_CONTAINER],
}
CONTAINER_CONTROLS = {
    "apparmor-profile": "securityContext.appArmorProfile.type",
    "drop-capabilities": "securityContext.capabilities",
    "image-pinned": "image",
    "no-literal-credentials": "env[0].value",
    "no-privilege-escalation": "securityContext.allowPrivilegeEscalation",
    "no-privileged-containers": "securityContext.privileged",
    "read-only-root": "securityContext.readOnlyRootFilesystem",
    "run-as-non-root": "securityContext.runAsNonRoot",
    "seccomp-profile": "securityContext.seccompProfile.type",
    "secrets-as-files": "envFrom[0].secretRef",
}
NOT_EPHEMERAL = {"no-host-ports": "ports[0].hostPort", "requests-and-limits": "resources"}
"""The API refuses ports and resources of ephemeral containers: there is nothing to judge."""
POD_CONTROLS = {
    "no-host-namespaces": "hostPID",
    "no-host-paths": "volumes[0].hostPath",
    "own-service-account": "serviceAccountName",
    "token-mounted-on-purpose": "automountServiceAccountToken",
}
KINDS = {
    ("v1", "Pod"): ("spec", lambda pod: {"spec": pod}),
    ("v1", "PodTemplate"): ("template.spec", lambda pod: {"template": {"spec": pod}}),
    ("batch/v1", "CronJob"): (
        "spec.jobTemplate.spec.template.spec",
        lambda pod: {"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}},
    ),
} | {
    key: ("spec.template.spec", lambda pod: {"spec": {"template": {"spec": pod}}})
    for key in (
        ("v1", "ReplicationController"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
    )
}


def workload(key, pod):
    version, kind = key
    body = KINDS[key][1](copy.deepcopy(pod))
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "w", "namespace": "shop"}, **body}


def failing(tmp_path, document):
    file = tmp_path / "estate.json"
    file.write_text(json.dumps(document))
    report = assess(read_paths([str(file)]), CATALOGUE, Options(now=NOW))
    assert not [item for item in report.coverage if item.error]
    assert not report.unread
    return {
        (item.control, item.evidence[0].path): item
        for item in report.findings
        if item.outcome is Outcome.FAIL
    }


@pytest.mark.parametrize("key", KINDS, ids=lambda key: key[1])
@pytest.mark.parametrize("listed", [False, True], ids=["alone", "in a List"])
def test_every_kind_is_judged_at_its_own_path(tmp_path, key, listed):
    item = workload(key, BAD_POD)
    found = failing(tmp_path, {"apiVersion": "v1", "kind": "List", "items": [item]} if listed else item)
    path = KINDS[key][0]
    for control, field in POD_CONTROLS.items():
        assert (control, f"{path}.{field}") in found, control
    for control, field in (CONTAINER_CONTROLS | NOT_EPHEMERAL).items():
        assert (control, f"{path}.containers[0].{field}") in found, control
    assert all(item.locations[0].line >= 1 for item in found.values())


@pytest.mark.parametrize("field", ["initContainers", "ephemeralContainers"])
def test_the_second_container_of_every_role_is_judged(tmp_path, field):
    good = {
        "name": "good",
        "image": "contoso.azurecr.io/good:1.2",
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
            "appArmorProfile": {"type": "RuntimeDefault"},
        },
    }
    pod = {"containers": [good], field: [good, BAD_CONTAINER]}
    found = failing(tmp_path, workload(("v1", "Pod"), pod))
    controls = CONTAINER_CONTROLS if field == "ephemeralContainers" else CONTAINER_CONTROLS | NOT_EPHEMERAL
    assert {name: path for name, path in found if "containers" in path.lower()} == {
        control: f"spec.{field}[1].{path}" for control, path in controls.items()
    }


@pytest.mark.parametrize(
    ("control", "pod", "container", "fails"),
    [
        ("run-as-non-root", {"runAsNonRoot": True}, {}, False),
        ("run-as-non-root", {"runAsNonRoot": True}, {"runAsNonRoot": False}, True),
        ("run-as-non-root", {"runAsUser": 1000}, {"runAsUser": 0}, True),
        ("run-as-non-root", {"runAsUser": 0}, {"runAsUser": 1000}, False),
        # The kubelet starts no container of user 0 where runAsNonRoot is true: the row says `or`.
        ("run-as-non-root", {"runAsUser": 0}, {"runAsNonRoot": True}, False),
        ("no-privilege-escalation", {}, {"allowPrivilegeEscalation": "false"}, True),
        ("read-only-root", {}, {"readOnlyRootFilesystem": "true"}, True),
        ("no-privileged-containers", {}, {"privileged": "true"}, True),
        ("run-as-non-root", {"runAsNonRoot": False}, {"runAsUser": 1}, False),
        ("run-as-non-root", {}, {"runAsGroup": 1000}, True),
        ("seccomp-profile", {"seccompProfile": {"type": "Localhost"}}, {}, False),
        ("seccomp-profile", {"seccompProfile": {"type": "RuntimeDefault"}}, {"seccompProfile": None}, False),
        ("apparmor-profile", {"appArmorProfile": {"type": "RuntimeDefault"}}, {}, False),
        (
            "apparmor-profile",
            {"appArmorProfile": {"type": "RuntimeDefault"}},
            {"appArmorProfile": {"type": "Unconfined"}},
            True,
        ),
        # What only containers have is not taken from the pod, where the API knows no such field.
        ("no-privilege-escalation", {"allowPrivilegeEscalation": False}, {}, True),
        ("read-only-root", {"readOnlyRootFilesystem": True}, {}, True),
        ("drop-capabilities", {"capabilities": {"drop": ["ALL"]}}, {}, True),
        ("no-privileged-containers", {"privileged": True}, {}, False),
    ],
)
def test_the_container_overrules_the_pod_and_only_where_both_have_the_field(
    tmp_path, control, pod, container, fails
):
    spec = {
        "securityContext": pod,
        "containers": [{"name": "c", "image": "a:1", "securityContext": container}],
    }
    found = failing(tmp_path, workload(("apps/v1", "Deployment"), spec))
    assert (control in {name for name, _ in found}) is fails


@pytest.mark.parametrize("odd", [None, [], "x", 7, {}, [None], [7], {"a": 1}])
@pytest.mark.parametrize(
    "path",
    [
        ("securityContext",),
        ("volumes",),
        ("containers",),
        ("containers", 0, "securityContext"),
        ("containers", 0, "securityContext", "capabilities"),
        ("containers", 0, "env"),
        ("containers", 0, "envFrom"),
        ("containers", 0, "ports"),
        ("containers", 0, "resources"),
        ("containers", 0, "image"),
        ("nodeSelector",),
        ("affinity",),
    ],
    ids=lambda path: ".".join(map(str, path)) if isinstance(path, tuple) else repr(path),
)
def test_odd_values_are_judged_and_break_nothing(tmp_path, path, odd):
    pod = copy.deepcopy(BAD_POD)
    place = pod
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = odd
    # A control that cannot run would be in the coverage as an error; `failing` looks for that.
    found = failing(tmp_path, workload(("v1", "Pod"), pod))
    assert any(name == "no-host-namespaces" for name, _ in found)
