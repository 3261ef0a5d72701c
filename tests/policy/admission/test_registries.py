"""Images from registries that a namespace allows (the control allowed-registries: the same rule over what runs)."""

from __future__ import annotations

import pytest

from seawall.core.engine import EngineOptions
from seawall.policy.admission.registries import ANNOTATION, registry_of
from seawall.policy.decide import engine


def _ask(spec, *, allowed="a.example, b.example:5000", kind="Pod", **more):
    annotations = {ANNOTATION: allowed} if allowed else {}
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "n", "annotations": annotations},
    }
    made = engine("admission", EngineOptions())
    made.load({"objects": [namespace]})
    group, plural = {"Pod": ("", "pods"), "Deployment": ("apps", "deployments"), "Secret": ("", "secrets")}[
        kind
    ]
    obj = {"kind": kind, "metadata": {"name": "x"}, "spec": spec}
    request = {
        "uid": "u", "operation": "CREATE", "name": "x", "namespace": "n", "object": obj,
        "kind": {"group": group, "version": "v1", "kind": kind}, "resource": {"group": group, "version": "v1", "resource": plural},
    }  # fmt: skip
    return made.answer({"request": request | more})["response"]


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("nginx", "docker.io"), ("library/nginx:1", "docker.io"), ("a.example/x", "a.example"), ("localhost/x", "localhost"),
        ("b.example:5000/x/y:1@sha256:0", "b.example:5000"), ("docker.io/nginx", "docker.io"), ("nginx:5000", "docker.io"),
    ],
)  # fmt: skip
def test_the_registry_of_an_image(image, registry):
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("images", "allowed"),
    [
        (["a.example/x:1"], True), (["a.example/x:1", "b.example:5000/y"], True), (["nginx"], False),
        (["a.example/x", "evil.example/a.example/x"], False), (["a.example.evil/x"], False), ([], True),
    ],
)  # fmt: skip
def test_pods_are_refused(images, allowed):
    response = _ask({"containers": [{"name": str(n), "image": image} for n, image in enumerate(images)]})
    assert response["allowed"] is allowed
    if not allowed:
        assert response["status"]["code"] == 403
        assert "that namespace 'n' allows (a.example, b.example:5000)" in response["status"]["message"]


def test_init_and_ephemeral_containers_count_and_other_subresources_do_not():
    bad = [{"name": "i", "image": "nginx"}]
    assert _ask({"initContainers": bad})["allowed"] is False
    assert (
        _ask({"ephemeralContainers": bad}, operation="UPDATE", subResource="ephemeralcontainers")["allowed"]
        is False
    )
    assert _ask({"containers": bad}, operation="UPDATE", subResource="status")["allowed"] is True


def test_workloads_are_warned_and_namespaces_that_say_nothing_are_not_asked():
    template = {"template": {"spec": {"containers": [{"name": "a", "image": "nginx"}]}}}
    response = _ask(template, kind="Deployment")
    assert response["allowed"] is True
    assert '"nginx"' in response["warnings"][0]
    assert "warnings" not in _ask(template, kind="Deployment", allowed="")
    assert _ask({"containers": [{"name": "a", "image": "nginx"}]}, allowed="")["allowed"] is True
    assert _ask({}, kind="Secret")["allowed"] is True
