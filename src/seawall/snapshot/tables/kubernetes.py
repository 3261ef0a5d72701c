"""The Kubernetes tables: objects, pods, containers, and a table a kind that controls ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.snapshot.paths import dotted
from seawall.snapshot.tables.index import SYSTEM_NAMESPACES, Estate
from seawall.snapshot.tables.schema import Rows, Table, columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.snapshot.model import KubernetesObject

_OBJECT = """
id          string   the subject id: `Deployment.apps/shop/web`
apiVersion  string   `apps/v1`
kind        string   `Deployment`
namespace   string   the namespace; `default` where a namespaced object has none; empty for cluster objects
name        string   the name
system      bool     true in namespaces that Kubernetes and AKS fill themselves
labels      dynamic  the labels
annotations dynamic  the annotations
fromCluster bool     true where a server has given the object a uid: it was read from a cluster
"""


def _object_columns(estate_object: tuple[Any, KubernetesObject]) -> tuple[Any, ...]:
    subject, item = estate_object
    metadata = item.metadata
    return (
        subject.id,
        item.api_version,
        subject.kind,
        subject.namespace,
        subject.name,
        (subject.namespace or (subject.name if subject.kind == "Namespace" else "")) in SYSTEM_NAMESPACES,
        metadata.get("labels"),
        metadata.get("annotations"),
        bool(metadata.get("uid")),
    )


def _objects(estate: Estate) -> Iterator[tuple[Any, ...]]:
    for entry in estate.objects:
        raw = entry[1].raw
        # Values of Secrets never become a table: neither `data` nor the copy that kubectl apply annotates.
        shown = {key: value for key, value in raw.items() if key not in ("data", "stringData")}
        if entry[1].kind == "Secret":
            row = _object_columns(entry)
            yield (*row[:-2], None, row[-1], {"type": raw.get("type")}, raw.get("spec"), raw.get("status"))
            continue
        yield (*_object_columns(entry), shown, raw.get("spec"), raw.get("status"))


def _kinds(*wanted: tuple[str, str], fields: tuple[str, ...]) -> Rows:
    """Make the row function of a table that holds some kinds: the object columns, then the named fields."""

    def rows(estate: Estate) -> Iterator[tuple[Any, ...]]:
        for key in wanted:
            for entry in estate.by_kind.get(key, ()):
                raw = entry[1].raw
                yield (*_object_columns(entry), *[raw.get(field) for field in fields])

    return rows


def _os(spec: dict[str, Any]) -> str:
    """Return `windows` or `linux` where the pod says so, else the empty string."""
    os = spec.get("os")
    if isinstance(os, dict) and isinstance(os.get("name"), str):
        return str(os["name"]).lower()
    selector = spec.get("nodeSelector")
    if isinstance(selector, dict):
        named = selector.get("kubernetes.io/os") or selector.get("beta.kubernetes.io/os")
        if named:
            return str(named).lower()
    return _os_by_affinity(spec.get("affinity"))


def _os_by_affinity(affinity: Any) -> str:
    """Return the system that every term of the required node affinity asks for; the terms are alternatives."""
    terms: Any = affinity
    for step in ("nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"):
        terms = terms.get(step) if isinstance(terms, dict) else None
    found: set[str] = set()
    for term in terms if isinstance(terms, list) else ():
        rules = term.get("matchExpressions") if isinstance(term, dict) else None
        asked = [
            rule["values"]
            for rule in (rules if isinstance(rules, list) else ())
            if isinstance(rule, dict)
            and rule.get("key") in {"kubernetes.io/os", "beta.kubernetes.io/os"}
            and rule.get("operator") == "In"
            and isinstance(rule.get("values"), list)
            and len(rule["values"]) == 1
        ]
        if not asked:
            return ""
        found.add(str(asked[0][0]).lower())
    return found.pop() if len(found) == 1 else ""


def _replicas(item: KubernetesObject) -> int | None:
    """Return how many pods the workload asks for; the API's default is 1."""
    if item.kind not in {"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"}:
        return None
    spec = item.raw.get("spec")
    value = spec.get("replicas", 1) if isinstance(spec, dict) else 1
    # What is no number is not guessed at; a number is an int32 in the API.
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31 else None


def _pods(estate: Estate) -> Iterator[tuple[Any, ...]]:
    for pod in estate.pod_templates():
        spec = pod.spec
        yield (
            pod.subject.id,
            pod.owner.kind,
            pod.subject.namespace,
            pod.subject.name,
            pod.subject.namespace in SYSTEM_NAMESPACES,
            pod.controlled,
            dotted(pod.path),
            _os(spec),
            _replicas(pod.owner),
            str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"),
            pod.metadata.get("labels"),
            pod.metadata.get("annotations"),
            spec,
        )


def _containers(estate: Estate) -> Iterator[tuple[Any, ...]]:
    for pod in estate.pod_templates():
        spec = pod.spec
        subject = pod.subject
        prefix = dotted(pod.path)
        common = (
            subject.id,
            pod.owner.kind,
            subject.namespace,
            subject.name,
            subject.namespace in SYSTEM_NAMESPACES,
            pod.controlled,
            _os(spec),
        )
        security, annotations = spec.get("securityContext"), pod.metadata.get("annotations")
        for field, role in (
            ("initContainers", "init"),
            ("containers", "main"),
            ("ephemeralContainers", "ephemeral"),
        ):
            entries = spec.get(field)
            if not isinstance(entries, list):
                continue
            for index, container in enumerate(entries):
                if not isinstance(container, dict):
                    continue
                yield (
                    *common,
                    str(container.get("name") or ""),
                    role,
                    str(container.get("image") or ""),
                    f"{prefix}.{field}[{index}]",
                    prefix,
                    container.get("securityContext"),
                    security,
                    annotations,
                    container.get("resources"),
                    container,
                )


def _service_accounts(estate: Estate) -> Iterator[tuple[Any, ...]]:
    for entry in estate.objects:
        raw = entry[1].raw
        if entry[1].kind == "ServiceAccount" and not entry[1].group:
            mounted = raw.get("automountServiceAccountToken")
            value = mounted if isinstance(mounted, bool) else None
            yield (*_object_columns(entry), value, raw.get("secrets"), raw.get("imagePullSecrets"))


KUBERNETES_TABLES: tuple[Table, ...] = (
    Table(
        "objects",
        "Every Kubernetes object; of Secrets and ConfigMaps never the values.",
        columns(
            _OBJECT
            + """
object      dynamic  the whole object as read, without `data` and `stringData`; of a Secret only its type
spec        dynamic  the spec
status      dynamic  the status
"""
        ),
        _objects,
    ),
    Table(
        "pods",
        "Every pod and pod template of a workload.",
        columns("""
id          string   the subject id of the pod or of the workload that makes it
kind        string   Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, ...
namespace   string   the namespace
name        string   the name of the pod or workload
system      bool     true in namespaces that Kubernetes and AKS fill themselves
controlled  bool     true where a controller in the same snapshot owns it: judge the owner, not the copy
path        string   where the pod's spec stands in the object: `spec.template.spec`
os          string   windows or linux where the pod says so, else empty
replicas    long     pods asked for (Deployment, StatefulSet, ReplicaSet; 1 when absent), else null
serviceAccountName string the service account; `default` when none is named
labels      dynamic  the pod's labels
annotations dynamic  the pod's annotations
spec        dynamic  the pod's spec
"""),
        _pods,
    ),
    Table(
        "containers",
        "Every container of every pod and pod template: init, main and ephemeral ones.",
        columns("""
id          string   the subject id of the pod or of the workload that makes it
kind        string   Pod, Deployment, ...
namespace   string   the namespace
name        string   the name of the pod or workload
system      bool     true in namespaces that Kubernetes and AKS fill themselves
controlled  bool     true where a controller in the same snapshot owns it
os          string   windows or linux where the pod says so, else empty
container   string   the container's name
role        string   init, main or ephemeral
image       string   the image as written
path        string   where the container stands: `spec.template.spec.containers[0]`
podPath     string   where the pod's spec stands: `spec.template.spec`
securityContext dynamic the container's security context
podSecurityContext dynamic the pod's security context
annotations dynamic  the pod's annotations
resources   dynamic  the container's requests and limits
spec        dynamic  the whole container
"""),
        _containers,
    ),
    Table(
        "namespaces",
        "Namespaces.",
        columns(_OBJECT + "spec dynamic the spec\nstatus dynamic the status"),
        _kinds(("", "Namespace"), fields=("spec", "status")),
    ),
    Table(
        "nodes",
        "Nodes.",
        columns(_OBJECT + "spec dynamic the spec\nstatus dynamic the status"),
        _kinds(("", "Node"), fields=("spec", "status")),
    ),
    Table(
        "services",
        "Services.",
        columns(_OBJECT + "spec dynamic the spec\nstatus dynamic the status"),
        _kinds(("", "Service"), fields=("spec", "status")),
    ),
    Table(
        "ingresses",
        "Ingresses, of networking.k8s.io and of the groups before it.",
        columns(_OBJECT + "spec dynamic the spec\nstatus dynamic the status"),
        _kinds(("networking.k8s.io", "Ingress"), ("extensions", "Ingress"), fields=("spec", "status")),
    ),
    Table(
        "gateways",
        "Gateways of gateway.networking.k8s.io.",
        columns(_OBJECT + "spec dynamic the spec"),
        _kinds(("gateway.networking.k8s.io", "Gateway"), fields=("spec",)),
    ),
    Table(
        "autoscalers",
        "HorizontalPodAutoscalers.",
        columns(_OBJECT + "spec dynamic the spec"),
        _kinds(("autoscaling", "HorizontalPodAutoscaler"), fields=("spec",)),
    ),
    Table(
        "networkpolicies",
        "NetworkPolicies of networking.k8s.io.",
        columns(_OBJECT + "spec dynamic the spec"),
        _kinds(("networking.k8s.io", "NetworkPolicy"), fields=("spec",)),
    ),
    Table(
        "disruptionbudgets",
        "PodDisruptionBudgets.",
        columns(_OBJECT + "spec dynamic the spec\nstatus dynamic the status"),
        _kinds(("policy", "PodDisruptionBudget"), fields=("spec", "status")),
    ),
    Table(
        "quotas",
        "ResourceQuotas and LimitRanges.",
        columns(_OBJECT + "spec dynamic the spec"),
        _kinds(("", "ResourceQuota"), ("", "LimitRange"), fields=("spec",)),
    ),
    Table(
        "roles",
        "Roles and ClusterRoles.",
        columns(_OBJECT + "rules dynamic the rules\naggregationRule dynamic what a ClusterRole gathers"),
        _kinds(
            ("rbac.authorization.k8s.io", "Role"),
            ("rbac.authorization.k8s.io", "ClusterRole"),
            fields=("rules", "aggregationRule"),
        ),
    ),
    Table(
        "bindings",
        "RoleBindings and ClusterRoleBindings.",
        columns(_OBJECT + "roleRef dynamic the role that is given\nsubjects dynamic to whom"),
        _kinds(
            ("rbac.authorization.k8s.io", "RoleBinding"),
            ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
            fields=("roleRef", "subjects"),
        ),
    ),
    Table(
        "serviceaccounts",
        "ServiceAccounts.",
        columns(
            _OBJECT
            + "automountServiceAccountToken bool whether pods get a token unasked (null: true)\n"
            + "secrets dynamic references to secrets, by name\n"
            + "imagePullSecrets dynamic secrets that images are pulled with"
        ),
        _service_accounts,
    ),
)
