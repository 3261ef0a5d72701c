"""The snapshot with an identity for everything in it: what the tables and the findings share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import Subject
from seawall.snapshot.workloads import POD_TEMPLATES

if TYPE_CHECKING:
    from seawall.snapshot.model import AzureResource, KubernetesObject, Path, Snapshot

CLUSTER_SCOPED = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterTrustBundle",
        "ComponentStatus",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PodSecurityPolicy",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "ServiceCIDR",
        "IPAddress",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    }
)
"""Kinds of Kubernetes' own groups that have no namespace (kubectl api-resources of 1.34, 2026-11-21)."""

SYSTEM_NAMESPACES = frozenset(
    {
        "aks-command",
        "aks-istio-egress",
        "aks-istio-ingress",
        "aks-istio-system",
        "app-routing-system",
        "azure-arc",
        "azure-extensions-usage-system",
        "calico-system",
        "calico-apiserver",
        "dataprotection-microsoft",
        "gatekeeper-system",
        "kube-node-lease",
        "kube-public",
        "kube-system",
        "tigera-operator",
    }
)
"""Namespaces that Kubernetes and AKS fill themselves (AKS documentation: add-ons; 2026-11-20).

What runs there is Microsoft's to harden; the controls that judge workloads leave it out.
"""

_BUILT_IN_GROUPS = frozenset(
    {"", "apps", "batch", "policy", "autoscaling", "extensions", "coordination.k8s.io"}
)


_POOL = "microsoft.containerservice/managedclusters/agentpools"


class PodTemplate(msgspec.Struct, frozen=True):
    """A pod or the pod that a workload makes: its spec, its metadata, and the steps to both."""

    owner: KubernetesObject
    subject: Subject
    spec: dict[str, Any]
    metadata: dict[str, Any]
    path: Path
    controlled: bool


class Pool(msgspec.Struct, frozen=True):
    """A node pool: inside its cluster (`path` leads to it) or a resource of its own (`path` is `properties`)."""

    subject: Subject
    resource: AzureResource
    cluster: AzureResource | None
    cluster_id: str
    path: str
    properties: dict[str, Any]


class Estate:
    """A snapshot with subjects: every object and resource gets an id of its own.

    A second object of the same identity (the same manifest in two folders) gets `@FILE` behind its id, so
    that two subjects never share one.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.objects: list[tuple[Subject, KubernetesObject]] = []
        self.resources: list[tuple[Subject, AzureResource]] = []
        self.by_id: dict[str, KubernetesObject | AzureResource] = {}
        self.by_kind: dict[tuple[str, str], list[tuple[Subject, KubernetesObject]]] = {}
        """(API group, kind) -> the objects, in their order."""
        self._keys: list[tuple[str, str]] = []
        for item in snapshot.objects:
            kind, group = item.kind, item.group
            namespace = item.namespace
            if not namespace and kind not in CLUSTER_SCOPED and group in _BUILT_IN_GROUPS:
                # An object without a namespace is created in `default` (specs b.11).
                namespace = "default"
            name = item.name
            subject_id = "/".join(
                part for part in (f"{kind}.{group}" if group else kind, namespace, name) if part
            )
            subject = Subject(kind, namespace, name, self._unique(subject_id, item.origin.file))
            self.objects.append((subject, item))
            self._keys.append((group, kind))
            self.by_kind.setdefault((group, kind), []).append((subject, item))
            self.by_id[subject.id] = item
        for resource in snapshot.resources:
            row = resource.row
            group = str(row.get("resourceGroup") or "")
            unique = self._unique(resource.id, resource.origin.file)
            subject = Subject(resource.type, group, str(row.get("name") or ""), unique)
            self.resources.append((subject, resource))
            self.by_id[subject.id] = resource
        self._templates: list[PodTemplate] | None = None
        self._pools: list[Pool] | None = None

    def pools(self) -> list[Pool]:
        """Return the pools of all clusters: inline profiles, then child resources that no profile names.

        Where a pool is given twice, as a profile and as a resource, it is one pool: the resource's
        properties lie over the profile's.
        """
        if self._pools is not None:
            return self._pools
        children: dict[str, tuple[Subject, AzureResource]] = {}
        clusters: list[tuple[Subject, AzureResource]] = []
        for subject, resource in self.resources:
            if resource.type == "microsoft.containerservice/managedclusters/agentpools":
                children[subject.id.lower()] = (subject, resource)
            elif resource.type == "microsoft.containerservice/managedclusters":
                clusters.append((subject, resource))
        found: list[Pool] = []
        by_cluster = {subject.id.lower(): (subject, resource) for subject, resource in clusters}
        for subject, cluster in clusters:
            properties = cluster.row.get("properties")
            profiles = properties.get("agentPoolProfiles") if isinstance(properties, dict) else None
            for index, profile in enumerate(profiles if isinstance(profiles, list) else ()):
                if not isinstance(profile, dict):
                    continue
                name = str(profile.get("name") or index)
                pool_id = f"{subject.id}/agentPools/{name}"
                child = children.pop(pool_id.lower(), None)
                own = child[1].row.get("properties") if child else None
                pool = Pool(
                    Subject(_POOL, subject.namespace, name, child[0].id if child else pool_id),
                    cluster,
                    cluster,
                    subject.id,
                    f"properties.agentPoolProfiles[{index}]",
                    {**profile, **own} if isinstance(own, dict) else profile,
                )
                found.append(pool)
                self.by_id[pool.subject.id] = cluster
        for subject, resource in children.values():
            owner = by_cluster.get(subject.id.lower().rpartition("/agentpools/")[0])
            properties = resource.row.get("properties")
            found.append(
                Pool(
                    Subject(_POOL, subject.namespace, subject.name.rpartition("/")[2], subject.id),
                    resource,
                    owner[1] if owner else None,
                    owner[0].id if owner else resource.id.rpartition("/")[0].rpartition("/")[0],
                    "properties",
                    properties if isinstance(properties, dict) else {},
                )
            )
        self._pools = found
        return found

    def _unique(self, wanted: str, file: str) -> str:
        """Give `wanted`, or `wanted@file`, or `wanted@file#2` and so on."""
        if wanted not in self.by_id:
            return wanted
        candidate = f"{wanted}@{file}"
        count = 1
        while candidate in self.by_id:
            count += 1
            candidate = f"{wanted}@{file}#{count}"
        return candidate

    def pod_templates(self) -> list[PodTemplate]:
        """Return every pod and pod template, in the order read.

        `controlled` is True where a controller that is in the snapshot owns the object (a ReplicaSet's pod
        in a dump of a cluster): its owner is judged, not the copy.
        """
        if self._templates is not None:
            return self._templates
        uids = {item.metadata.get("uid") for _, item in self.objects} - {None}
        found = []
        for key, (subject, item) in zip(self._keys, self.objects, strict=True):
            path = POD_TEMPLATES.get(key)
            if path is None:
                continue
            value: Any = item.raw
            for step in path:
                value = value.get(step) if isinstance(value, dict) else None
            if not isinstance(value, dict):
                continue
            spec, metadata = value.get("spec"), value.get("metadata")
            owners = item.metadata.get("ownerReferences")
            controlled = isinstance(owners, list) and any(
                isinstance(owner, dict) and owner.get("controller") and owner.get("uid") in uids
                for owner in owners
            )
            found.append(
                PodTemplate(
                    item,
                    subject,
                    spec if isinstance(spec, dict) else {},
                    metadata if isinstance(metadata, dict) else {},
                    (*path, "spec"),
                    controlled,
                )
            )
        self._templates = found
        return found
