"""Effective seccomp and AppArmor profiles by version (specs/nodes-upgrades.md b7, b8)."""

from __future__ import annotations

import pytest

from seawall.core.errors import InputError
from seawall.policy.profiles import effective_profiles
from support import ROOT
from support.command import seawall

POD = "seccomp.security.alpha.kubernetes.io/pod"
OWN = "container.seccomp.security.alpha.kubernetes.io/a"
ARMOR = "container.apparmor.security.beta.kubernetes.io/a"
DEFAULT = {"type": "RuntimeDefault"}
LOCAL = {"type": "Localhost", "localhostProfile": "p"}


def _pod(annotations=None, pod=None, own=None, **spec):
    container = {"name": "a", "securityContext": own or {}}
    metadata = {"name": "x", "annotations": annotations or {}}
    return {
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"securityContext": pod or {}, "containers": [container], **spec},
    }


@pytest.mark.parametrize(
    ("obj", "minor", "value", "warns"),
    [
        (_pod(), 34, "Unconfined", False),
        (_pod({POD: "localhost/p"}), 18, "Localhost/p", False),
        (_pod({POD: "localhost/p"}), 26, "Localhost/p", True),
        (_pod({POD: "localhost/p"}), 27, "Unconfined", True),
        (_pod({POD: "docker/default"}), 18, "RuntimeDefault", False),
        (_pod({POD: "localhost/p", OWN: "runtime/default"}), 20, "RuntimeDefault", True),
        (_pod({OWN: "unconfined"}, pod={"seccompProfile": DEFAULT}), 20, "Unconfined", True),
        (_pod({OWN: "unconfined"}, pod={"seccompProfile": DEFAULT}), 27, "RuntimeDefault", True),
        (_pod(pod={"seccompProfile": DEFAULT}), 18, "Unconfined", True),
        (_pod(pod={"seccompProfile": DEFAULT}), 19, "RuntimeDefault", False),
        (_pod(pod={"seccompProfile": DEFAULT}, own={"seccompProfile": LOCAL}), 34, "Localhost/p", False),
        (_pod(own={"seccompProfile": LOCAL, "privileged": True}), 34, "Unconfined", False),
        (_pod(own={"seccompProfile": LOCAL}, os={"name": "windows"}), 34, "Unconfined", False),
    ],
)  # fmt: skip
def test_seccomp(obj, minor, value, warns):
    found = effective_profiles(obj, minor)
    assert [one.value for one in found.effective if one.kind == "seccomp"] == [value]
    assert bool(found.warnings) == warns


def test_the_kubelets_default_fills_what_is_unset_and_nothing_else():
    unset, said = _pod(), _pod(pod={"seccompProfile": {"type": "Unconfined"}})
    values = [effective_profiles(obj, 34, seccomp_default=True).effective[0].value for obj in (unset, said)]
    assert values == ["RuntimeDefault", "Unconfined"]


@pytest.mark.parametrize(
    ("obj", "minor", "value", "warns"),
    [
        (_pod(), 34, "runtime's choice", False),
        (_pod({ARMOR: "localhost/p"}), 20, "Localhost/p", False),
        (_pod({ARMOR: "localhost/p"}), 34, "Localhost/p", True),
        (_pod({ARMOR: "p"}), 20, "invalid: p", True),
        (_pod({ARMOR.replace("/a", "/typo"): "localhost/p"}), 20, "runtime's choice", True),
        (_pod(pod={"appArmorProfile": DEFAULT}), 29, "runtime's choice", True),
        (_pod(pod={"appArmorProfile": DEFAULT}), 30, "RuntimeDefault", False),
        (_pod({ARMOR: "localhost/p"}, pod={"appArmorProfile": DEFAULT}), 30, "Localhost/p", True),
        (_pod(pod={"appArmorProfile": DEFAULT}, own={"appArmorProfile": LOCAL}), 30, "Localhost/p", False),
        (_pod({ARMOR: "unconfined"}), 29, "Unconfined", False),
    ],
)
def test_app_armor(obj, minor, value, warns):
    found = effective_profiles(obj, minor)
    assert [one.value for one in found.effective if one.kind == "apparmor"] == [value]
    assert bool(found.warnings) == warns


def test_init_and_ephemeral_containers_and_templates():
    spec = {
        "initContainers": [{"name": "i"}],
        "containers": [{"name": "a"}],
        "ephemeralContainers": [{"name": "e"}],
    }
    job = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}
    found = effective_profiles(job, 34)
    assert [one.container for one in found.effective if one.kind == "seccomp"] == ["i", "a", "e"]


def test_what_is_no_pod_is_said():
    for obj in ({"kind": "Secret"}, {"kind": "Pod", "spec": {"containers": [1]}}):
        with pytest.raises(InputError):
            effective_profiles(obj, 34)


def test_the_documentations_two_pods_and_the_form_that_protects():
    done = seawall("policy", "profiles", str(ROOT / "examples" / "profiles"))
    assert done.returncode == 1, done.stderr
    assert "apparmor Localhost/k8s-apparmor-example-deny-write (annotation" in done.stdout
    assert "is deprecated since 1.30" in done.stdout
    assert "chmod: seccomp Unconfined (unset)" in done.stdout
    assert "is not read since 1.27: on 1.34 it protects nothing" in done.stdout
    assert "hello: seccomp Localhost/prevent-chmod (pod securityContext.seccompProfile)" in done.stdout
    old = seawall(
        "policy",
        "profiles",
        str(ROOT / "examples" / "profiles" / "seccomp-annotation.yaml"),
        "--kubernetes-version",
        "1.18",
    )
    assert old.returncode == 0
    assert "seccomp Localhost/prevent-chmod (annotation" in old.stdout
