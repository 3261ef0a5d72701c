"""The node authorizer: what a kubelet may read because of the pods on its node (specs b4, B1).

Source: kubernetes 1.34 plugin/pkg/auth/authorizer/node. Its graph is kept here as what it answers: for each
secret, config map, claim, volume, service account, attachment, slice and pod, the nodes that a path leads to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.access.names import node_of
from seawall.access.node_references import (
    claim_names,
    configmap_names,
    is_mirror,
    pod_secret_names,
    resource_claim_names,
    volume_secrets,
)
from seawall.access.rbac.matching import rule_allows
from seawall.access.rbac.model import Rule
from seawall.access.text import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.access.attributes import Attributes

Vertex = tuple[str, str, str]
"""(kind, namespace, name)."""

READ = ("get", "list", "watch")
# The static rules that are left once the resources below have been taken out (bootstrappolicy: NodeRules of 1.34
# with its default gates: DynamicResourceAllocation on, ClusterTrustBundle and PodCertificateRequest off).
NODE_RULES = tuple(
    Rule(verbs, (group,), resources)
    for verbs, group, resources in (
        (("create",), "authentication.k8s.io", ("tokenreviews",)),
        (("create",), "authorization.k8s.io", ("subjectaccessreviews", "localsubjectaccessreviews")),
        (READ, "", ("services",)),
        (("create", "update", "patch"), "", ("events",)),
        (("get",), "", ("endpoints",)),
        (("create", *READ), "certificates.k8s.io", ("certificatesigningrequests",)),
        (READ, "storage.k8s.io", ("csidrivers",)),
        (READ, "node.k8s.io", ("runtimeclasses",)),
    )
)

Answer = tuple[bool, str]
ALLOW: Answer = (True, "")


class NodeGraph:
    """Which node may reach which object."""

    def __init__(self, objects: Iterable[dict[str, Any]] = ()) -> None:
        self._nodes: dict[Vertex, set[str]] = {}
        self._claims: dict[Vertex, set[Vertex]] = {}
        for item in objects:
            add = _READERS.get(str(item.get("kind")))
            if add is not None:
                add(self, item)

    def reaches(self, node: str, kind: str, namespace: str, name: str) -> bool:
        """Tell whether a path leads from the object to the node."""
        vertex = (kind, namespace, name)
        if node in self._nodes.get(vertex, ()):
            return True
        # The only edges without a node of their own: secret -> volume -> claim (graph.go: AddPV).
        return any(
            node in self._nodes.get(claim, ())
            or any(node in self._nodes.get(c, ()) for c in self._claims.get(claim, ()))
            for claim in self._claims.get(vertex, ())
        )

    def nodes_of(self, kind: str, namespace: str, name: str) -> set[str]:
        """Return all nodes that may reach an object."""
        vertex = (kind, namespace, name)
        found = set(self._nodes.get(vertex, ()))
        for claim in self._claims.get(vertex, ()):
            found |= self._nodes.get(claim, set())
            for below in self._claims.get(claim, ()):
                found |= self._nodes.get(below, set())
        return found

    def _edge(self, vertex: Vertex, node: str) -> None:
        self._nodes.setdefault(vertex, set()).add(node)

    def _add_pod(self, pod: dict[str, Any]) -> None:
        metadata, spec = _dict(pod, "metadata"), _dict(pod, "spec")
        node, namespace, name = spec.get("nodeName"), _namespace(metadata), str(metadata.get("name") or "")
        if not isinstance(node, str) or not node:
            return
        self._edge(("pod", namespace, name), node)
        # A mirror pod gives nothing: a node must not be able to make one that opens a secret.
        if is_mirror(metadata):
            return
        account = spec.get("serviceAccountName")
        if isinstance(account, str) and account:
            self._edge(("serviceaccount", namespace, account), node)
        for kind, names in (
            ("secret", pod_secret_names(spec)),
            ("configmap", configmap_names(spec)),
            ("pvc", claim_names(spec, name)),
            ("resourceclaim", resource_claim_names(pod)),
        ):
            for each in names:
                self._edge((kind, namespace, each), node)

    def _add_volume(self, volume: dict[str, Any]) -> None:
        spec = _dict(volume, "spec")
        reference = spec.get("claimRef")
        if not isinstance(reference, dict):
            return
        claim_namespace = str(reference.get("namespace") or "")
        claim: Vertex = ("pvc", claim_namespace, str(reference.get("name") or ""))
        vertex: Vertex = ("pv", "", str(_dict(volume, "metadata").get("name") or ""))
        self._claims.setdefault(vertex, set()).add(claim)
        for namespace, secret in volume_secrets(spec, claim_namespace):
            self._claims.setdefault(("secret", namespace, secret), set()).add(vertex)

    def _add_attachment(self, item: dict[str, Any]) -> None:
        node = _dict(item, "spec").get("nodeName")
        if isinstance(node, str) and node:
            self._edge(("va", "", str(_dict(item, "metadata").get("name") or "")), node)

    def _add_slice(self, item: dict[str, Any]) -> None:
        node = _dict(item, "spec").get("nodeName")
        if isinstance(node, str) and node:
            self._edge(("slice", "", str(_dict(item, "metadata").get("name") or "")), node)


_READERS = {
    "Pod": NodeGraph._add_pod,  # noqa: SLF001 - the class's own table
    "PersistentVolume": NodeGraph._add_volume,  # noqa: SLF001 - the same
    "VolumeAttachment": NodeGraph._add_attachment,  # noqa: SLF001 - the same
    "ResourceSlice": NodeGraph._add_slice,  # noqa: SLF001 - the same
}


def _dict(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _namespace(metadata: dict[str, Any]) -> str:
    return str(metadata.get("namespace") or "default")


def authorize_node(graph: NodeGraph, asked: Attributes) -> Answer:
    """Answer for the node authorizer: allowed or no opinion, with its reason. It never denies."""
    node = node_of(asked.user.name, asked.user.groups)
    if node is None:
        return False, ""
    if not node:
        return False, f"unknown node for user {quote(asked.user.name)}"
    if asked.is_resource:
        special = _SPECIAL.get((asked.group, asked.resource))
        if special is not None:
            return special(graph, node, asked)
    return any(rule_allows(rule, asked) for rule in NODE_RULES), ""


def _by_graph(graph: NodeGraph, node: str, kind: str, asked: Attributes) -> Answer:
    if not asked.name:
        return False, "No Object name found"
    if graph.reaches(node, kind, asked.namespace, asked.name):
        return ALLOW
    return False, f"no relationship found between node '{node}' and this object"


def _read(graph: NodeGraph, node: str, kind: str, asked: Attributes) -> Answer:
    if asked.verb not in READ:
        return False, "can only read resources of this type"
    if asked.subresource:
        return False, "cannot read subresource"
    if not asked.namespace:
        return False, "can only read namespaced object of this type"
    return _by_graph(graph, node, kind, asked)


def _get(graph: NodeGraph, node: str, kind: str, asked: Attributes) -> Answer:
    if asked.verb != "get":
        return False, "can only get individual resources of this type"
    if asked.subresource:
        return False, "cannot get subresource"
    return _by_graph(graph, node, kind, asked)


def _secrets(graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    return _read(graph, node, "secret", asked)


def _configmaps(graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    return _read(graph, node, "configmap", asked)


def _claims(graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    if asked.subresource != "status":
        return _get(graph, node, "pvc", asked)
    if asked.verb not in ("update", "patch"):
        return False, "can only get/update/patch this type"
    return _by_graph(graph, node, "pvc", asked)


def _volumes(graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    return _get(graph, node, "pv", asked)


def _resource_claims(graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    return _get(graph, node, "resourceclaim", asked)


def _attachments(graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    return _get(graph, node, "va", asked)


def _service_accounts(graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    # KubeletServiceAccountTokenForCredentialProviders is beta and on in 1.34: `get` goes through the graph.
    if asked.verb == "get" and not asked.subresource:
        return _read(graph, node, "serviceaccount", asked)
    if asked.verb != "create" or not asked.name:
        return False, "can only create tokens for individual service accounts"
    if asked.subresource != "token":
        return False, "can only create token subresource of serviceaccount"
    return _by_graph(graph, node, "serviceaccount", asked)


WRITES = ("get", "create", "update", "patch", "delete")


def _leases(_graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    if asked.verb not in WRITES:
        return False, "can only get, create, update, patch, or delete a node lease"
    if asked.namespace != "kube-node-lease":
        return False, 'can only access leases in the "kube-node-lease" system namespace'
    # The subresource is not looked at (specs b4).
    if asked.verb != "create" and asked.name != node:
        return False, "can only access node lease with the same name as the requesting node"
    return ALLOW


def _csi_nodes(_graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    if asked.verb not in WRITES:
        return False, "can only get, create, update, patch, or delete a CSINode"
    if asked.subresource:
        return False, "cannot authorize CSINode subresources"
    if asked.verb != "create" and asked.name != node:
        return False, "can only access CSINode with the same name as the requesting node"
    return ALLOW


def _selects(asked: Attributes, node: str) -> bool:
    return any(
        each.key == "spec.nodeName" and each.equal and each.value == node for each in asked.field_requirements
    )


def _slices(graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    if asked.subresource:
        return False, "cannot authorize ResourceSlice subresources"
    if asked.verb == "create":
        return ALLOW
    if asked.verb in ("get", "update", "patch", "delete"):
        return _by_graph(graph, node, "slice", asked)
    if asked.verb in ("watch", "list", "deletecollection"):
        if _selects(asked, node):
            return ALLOW
        return False, "can only list/watch/deletecollection resourceslices with nodeName field selector"
    return False, (
        "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, "
        "delete, deletecollection"
    )


def _own_node(_graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    if not asked.subresource:
        if asked.verb in ("create", "update", "patch"):
            return ALLOW
        if asked.verb in READ:
            if asked.name == node:
                return ALLOW
            what = f"'{asked.name}'" if asked.name else "all nodes"
            return False, f"node '{node}' cannot read {what}, only its own Node object"
    elif asked.subresource == "status" and asked.verb in ("update", "patch"):
        return ALLOW
    return False, ""


def _pods(graph: NodeGraph, node: str, asked: Attributes) -> Answer:
    verb = asked.verb
    if not asked.subresource:
        if verb == "get":
            return _get(graph, node, "pod", asked)
        if verb in ("list", "watch"):
            if _selects(asked, node):
                return ALLOW
            if asked.name:
                return _by_graph(graph, node, "pod", asked)
            return False, "can only list/watch pods with spec.nodeName field selector"
        return verb in ("create", "delete"), ""
    if asked.subresource == "status":
        return verb in ("update", "patch"), ""
    return asked.subresource == "eviction" and verb == "create", ""


_SPECIAL = {
    ("", "secrets"): _secrets,
    ("", "configmaps"): _configmaps,
    ("", "persistentvolumeclaims"): _claims,
    ("", "persistentvolumes"): _volumes,
    ("resource.k8s.io", "resourceclaims"): _resource_claims,
    ("storage.k8s.io", "volumeattachments"): _attachments,
    ("", "serviceaccounts"): _service_accounts,
    ("coordination.k8s.io", "leases"): _leases,
    ("storage.k8s.io", "csinodes"): _csi_nodes,
    ("resource.k8s.io", "resourceslices"): _slices,
    ("", "nodes"): _own_node,
    ("", "pods"): _pods,
}
