"""What an admission decision looks up: namespaces, policies, bindings, params, RBAC, pods."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

ADMISSION_GROUP = "admissionregistration.k8s.io"


def name_of(obj: Json) -> str:
    """Return metadata.name, the empty text where there is none."""
    return str((obj.get("metadata") or {}).get("name") or "")


def namespace_of(obj: Json) -> str:
    """Return metadata.namespace, the empty text where there is none."""
    return str((obj.get("metadata") or {}).get("namespace") or "")


class World:
    """The objects of one world, by kind; never changed after it is made."""

    def __init__(self, objects: list[Json]) -> None:
        self.by_kind: dict[tuple[str, str], list[Json]] = {}
        for obj in objects:
            if isinstance(obj, dict):
                group = str(obj.get("apiVersion") or "").rpartition("/")[0]
                self.by_kind.setdefault((group, str(obj.get("kind") or "")), []).append(obj)
        self.namespaces = {name_of(obj): obj for obj in self.kind("", "Namespace")}
        self.cluster_kinds = {
            (str(spec.get("group") or ""), str((spec.get("names") or {}).get("kind") or ""))
            for crd in self.kind("apiextensions.k8s.io", "CustomResourceDefinition")
            if isinstance(spec := crd.get("spec"), dict) and spec.get("scope") == "Cluster"
        } | CLUSTER_KINDS

    def kind(self, group: str, kind: str) -> list[Json]:
        """Return the objects of a kind, of any version, in the order given."""
        return self.by_kind.get((group, kind), [])

    def is_cluster_scoped(self, group: str, kind: str) -> bool:
        """Whether objects of a kind lie outside of namespaces."""
        return (group, kind) in self.cluster_kinds


# The cluster-scoped kinds of Kubernetes 1.36 that could serve as params (k8s-resources.json of
# shared/data/craft, 2026-11-20).
CLUSTER_KINDS = {
    ("", "Namespace"), ("", "Node"), ("", "PersistentVolume"),
    ("rbac.authorization.k8s.io", "ClusterRole"), ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("storage.k8s.io", "StorageClass"), ("storage.k8s.io", "CSIDriver"), ("storage.k8s.io", "CSINode"),
    ("storage.k8s.io", "VolumeAttachment"), ("storage.k8s.io", "VolumeAttributesClass"),
    ("scheduling.k8s.io", "PriorityClass"), ("node.k8s.io", "RuntimeClass"),
    ("networking.k8s.io", "IngressClass"), ("networking.k8s.io", "IPAddress"), ("networking.k8s.io", "ServiceCIDR"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"), ("apiregistration.k8s.io", "APIService"),
    ("certificates.k8s.io", "CertificateSigningRequest"), ("certificates.k8s.io", "ClusterTrustBundle"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"), ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
    (ADMISSION_GROUP, "ValidatingAdmissionPolicy"), (ADMISSION_GROUP, "ValidatingAdmissionPolicyBinding"),
    (ADMISSION_GROUP, "MutatingAdmissionPolicy"), (ADMISSION_GROUP, "MutatingAdmissionPolicyBinding"),
    (ADMISSION_GROUP, "ValidatingWebhookConfiguration"), (ADMISSION_GROUP, "MutatingWebhookConfiguration"),
    ("resource.k8s.io", "DeviceClass"), ("resource.k8s.io", "ResourceSlice"),
}  # fmt: skip


def bound_policies(world: World, kind: str) -> list[tuple[Json, list[Json]]]:
    """Return the policies of a kind that have bindings, by name, each with them (by name too)."""
    bindings: dict[str, list[Json]] = {}
    for item in sorted(world.kind(ADMISSION_GROUP, f"{kind}Binding"), key=name_of):
        bindings.setdefault(str((item.get("spec") or {}).get("policyName")), []).append(item)
    return [
        (raw, bindings[name_of(raw)])
        for raw in sorted(world.kind(ADMISSION_GROUP, kind), key=name_of)
        if name_of(raw) in bindings
    ]
