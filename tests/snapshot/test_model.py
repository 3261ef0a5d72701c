from __future__ import annotations

import pytest

from seawall.snapshot import AzureResource, KubernetesObject, Origin


@pytest.mark.parametrize(
    ("raw", "group", "name", "namespace"),
    [
        ({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}}, "apps", "d", "n"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-"}}, "", "p-", ""),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": None}, "", "", ""),
    ],
)  # fmt: skip
def test_views_of_an_object_never_fail(raw, group, name, namespace):
    item = KubernetesObject(raw, Origin("f"))
    assert (item.group, item.name, item.namespace) == (group, name, namespace)


def test_a_resource_is_frozen():
    resource = AzureResource({"id": "/x", "type": "a/b"}, Origin("f"))
    assert (resource.id, resource.type) == ("/x", "a/b")
    with pytest.raises(AttributeError):
        resource.form = "az"
