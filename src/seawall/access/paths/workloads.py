"""Edges through what runs: pods, containers, nodes, volumes, secrets, services.

The kinds are those of the escapes that public tools know (specs (a): KubeHound's list), stated in our words. A mounted
path of the node counts by what lies below it: see HOST_PATHS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.access.attributes import MASTERS
from seawall.access.names import service_account_user, split_service_account
from seawall.access.node_references import pod_secret_names
from seawall.access.paths.catalogue import STRUCTURE
from seawall.access.paths.estate import Account, Estate, Pod, groups_of, items, mapping, subjects
from seawall.access.paths.graph import ADMIN, OUTSIDE, AttackGraph, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.access.world import AccessWorld

CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
HOST_WRITE = ("/etc", "/root", "/home", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/boot", "/dev", "/sys/fs/cgroup",
              "/var/lib/kubelet", "/var/lib/docker", "/var/lib/containerd", "/var/lib/rancher", "/var/spool/cron",
              "/run/systemd", "/var/run/systemd")  # fmt: skip
"""Paths whose writing changes what the node runs."""
HOST_READ = ("/etc/kubernetes", "/etc/ssh", "/etc/shadow", "/root", "/home", "/var/lib/kubelet/pki", "/var/lib/kubelet/kubeconfig", "/var/lib/docker",
             "/var/lib/containerd", "/var/lib/waagent", "/proc", "/dev")  # fmt: skip
"""Paths whose reading gives credentials of the node."""
SOCKETS = ("/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock", "/var/run/docker.sock",
           "/run/docker.sock", "/var/run/crio/crio.sock", "/run/crio/crio.sock", "/run/dockershim.sock",
           "/var/run/dockershim.sock")  # fmt: skip
"""Sockets of container runtimes."""
POD_TOKENS = "/var/lib/kubelet/pods"
INTERNAL = "service.beta.kubernetes.io/azure-load-balancer-internal"


def add_workloads(graph: AttackGraph, world: AccessWorld, estate: Estate, people: set[str]) -> None:
    """Add every edge that comes from objects and not from rights; `people` are users that no binding may name."""
    _members(graph, world, estate, people)
    for pod in estate.pods:
        _Pod(graph, estate, pod).add()
    _nodes(graph, estate)
    _secrets(graph, world, estate)
    _services(graph, estate)


def _members(graph: AttackGraph, world: AccessWorld, estate: Estate, people: set[str]) -> None:
    _add(graph, ("Group", MASTERS), ADMIN, "masters")
    for namespace, names in estate.accounts.items():
        for name in names:
            source: Node = ("ServiceAccount", f"{namespace}/{name}")
            for group in groups_of(service_account_user(namespace, name)):
                _add(graph, source, ("Group", group), "member-of")
    for name in people | {name for kind, name in subjects(world) if kind == "User"}:
        if split_service_account(name) is None:
            for group in groups_of(name):
                _add(graph, ("User", name), ("Group", group), "member-of")
            _add(graph, ("cap", "be-users/"), ("User", name), "any-user")


def _add(graph: AttackGraph, source: Node, target: Node, kind: str) -> None:
    graph.add(source, target, kind, STRUCTURE[kind])


class _Pod:
    """The edges of one pod and its containers."""

    def __init__(self, graph: AttackGraph, estate: Estate, pod: Pod) -> None:
        self.graph, self.estate, self.pod = graph, estate, pod
        self.node: Node = ("pod", f"{pod.namespace}/{pod.name}")
        self.account: Node = ("ServiceAccount", f"{pod.namespace}/{pod.account}")
        self.volumes = {str(each.get("name")): each for each in items(pod.spec, "volumes")}
        self.host: Node | None = ("node", pod.node) if pod.node else None

    def add(self) -> None:
        pod, graph = self.pod, self.graph
        _add(graph, ("cap", f"enter-pods/{pod.namespace}"), self.node, "enters-pod")
        containers = [each for key in CONTAINERS for each in items(pod.spec, key)]
        nodes = [self._container_node(each) for each in containers]
        for container, node in zip(containers, nodes, strict=True):
            _add(graph, self.node, node, "pod-container")
            self._container(container, node)
        if pod.spec.get("shareProcessNamespace") is True:
            for node in nodes:
                for other in nodes:
                    _add(graph, node, other, "shared-processes")
        if self.host is not None:
            _add(graph, self.host, self.node, "node-pod")
            _add(graph, self.host, self.account, "node-token")
            if self.mounts_token():
                _add(graph, ("tokens", pod.node), self.account, "host-pod-tokens")

    def _container_node(self, container: dict[str, Any]) -> Node:
        return "container", f"{self.pod.namespace}/{self.pod.name}/{container.get('name') or ''}"

    def mounts_token(self) -> bool:
        """Tell whether the account's token is mounted: the pod's word, else the account's (admission plugin)."""
        own = self.pod.spec.get("automountServiceAccountToken")
        if isinstance(own, bool):
            return own
        return self.estate.accounts.get(self.pod.namespace, {}).get(self.pod.account, Account()).mounts

    def _container(self, container: dict[str, Any], node: Node) -> None:
        graph, pod = self.graph, self.pod
        if self.mounts_token():
            _add(graph, node, self.account, "runs-as")
        for secret in _secrets_of(container, self._mounted(container)):
            _add(graph, node, ("secret", f"{pod.namespace}/{secret}"), "mounted-secret")
        for mount, volume in self._mounted(container):
            self._volume(node, mount, volume)
        if self.host is not None:
            for kind in _escapes(pod.spec, container):
                _add(graph, node, self.host, kind)

    def _mounted(self, container: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        mounts = items(container, "volumeMounts")
        return [
            (each, self.volumes[str(each["name"])])
            for each in mounts
            if str(each.get("name")) in self.volumes
        ]

    def _volume(self, node: Node, mount: dict[str, Any], volume: dict[str, Any]) -> None:
        graph, pod = self.graph, self.pod
        for source in items(mapping(volume, "projected"), "sources"):
            token = mapping(source, "serviceAccountToken")
            # A token for another audience opens nothing at the API server.
            if "serviceAccountToken" in source and not token.get("audience"):
                _add(graph, node, self.account, "projected-token")
        claim = mapping(volume, "persistentVolumeClaim").get("claimName")
        path = mapping(volume, "hostPath").get("path")
        if isinstance(claim, str) and claim:
            place: Node = ("volume", f"{pod.namespace}/{claim}")
            _add(graph, node, place, "mounted-volume")
            if self.host is not None:
                _add(graph, self.host, place, "node-volume")
            behind = self.estate.claims.get((pod.namespace, claim), {})
            path = mapping(behind, "hostPath").get("path") or mapping(behind, "local").get("path")
            if isinstance(path, str) and self.host is not None:
                _add(graph, place, ("volume", f"{pod.node}:{path}"), "volume-on-node")
        if isinstance(path, str) and path and self.host is not None:
            writable = mount.get("readOnly") is not True
            below = str(mount.get("subPath") or "").strip("/")
            self._host_path(node, f"{path.rstrip('/')}/{below}" if below else path, writable)

    def _host_path(self, node: Node, path: str, writable: bool) -> None:
        clean = "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
        place: Node = ("volume", f"{self.pod.node}:{clean}")
        _add(self.graph, node, place, "mounted-volume")
        if self.host is None:
            return
        _add(self.graph, self.host, place, "node-volume")
        for kind in host_path_kinds(clean, writable):
            target = ("tokens", self.pod.node) if kind == "host-pod-tokens" else self.host
            _add(self.graph, node, target, kind)


def host_path_kinds(path: str, writable: bool) -> Iterator[str]:
    """Yield what a mounted path of a node gives: the path itself, what is above it, and what is below it, counts."""
    if any(_holds(path, socket) for socket in SOCKETS):
        # Reading is enough: a socket is connected to, not written (a read-only mount does not hinder).
        yield "host-runtime-socket"
    if writable and any(_holds(path, each) or _holds(each, path) for each in HOST_WRITE):
        yield "host-write"
    if any(_holds(path, each) or _holds(each, path) for each in HOST_READ):
        yield "host-read"
    if writable and _holds(path, "/proc/sys/kernel/core_pattern"):
        yield "host-core-pattern"
    if writable and (_holds(path, "/var/log") or path == "/var/log/pods"):
        yield "host-log-link"
    if _holds(path, POD_TOKENS) or _holds(POD_TOKENS, path):
        yield "host-pod-tokens"


def _holds(above: str, below: str) -> bool:
    return above in ("/", below) or below.startswith(f"{above}/")


def _secrets_of(container: dict[str, Any], mounted: list[tuple[dict[str, Any], dict[str, Any]]]) -> set[str]:
    """Return the secrets that one container has, in its environment and its volumes."""
    part = {"containers": [container], "volumes": [volume for _, volume in mounted]}
    return pod_secret_names(part)


def _escapes(spec: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    """Yield the ways by which a container owns its node."""
    context = mapping(container, "securityContext")
    privileged = context.get("privileged") is True
    given = mapping(context, "capabilities").get("add")
    added = {str(each).upper().removeprefix("CAP_") for each in given} if isinstance(given, list) else set()
    every = privileged or "ALL" in added
    host_pid = spec.get("hostPID") is True
    if privileged:
        yield "container-privileged-mount"
    if every or "SYS_MODULE" in added:
        yield "container-module-load"
    if host_pid and (every or "SYS_ADMIN" in added):
        yield "container-enter-node"
    if host_pid and (every or "SYS_PTRACE" in added):
        yield "container-trace"
    if "SYS_ADMIN" in added or ("ALL" in added and not privileged):
        yield "container-sys-admin"
    if every or "DAC_READ_SEARCH" in added:
        yield "container-read-search"


def _nodes(graph: AttackGraph, estate: Estate) -> None:
    for name in estate.nodes:
        node: Node = ("node", name)
        user: Node = ("User", f"system:node:{name}")
        _add(graph, ("cap", "own-nodes/"), node, "any-node")
        _add(graph, node, user, "node-user")
        _add(graph, ("cap", "be-users/"), user, "any-user")


def _secrets(graph: AttackGraph, world: AccessWorld, estate: Estate) -> None:
    read = {(namespace, name) for namespace, secrets in estate.secrets.items() for name, _ in secrets}
    named = {(namespace, name) for namespace, names in estate.named_secrets.items() for name in names}
    for namespace, name in sorted(named - read):
        # A dump without Secret objects is usual: what a pod names is there, or the pod would not start.
        _secret_edges(graph, world, namespace, name)
    for namespace, secrets in estate.secrets.items():
        for name, item in secrets:
            secret: Node = ("secret", f"{namespace}/{name}")
            _secret_edges(graph, world, namespace, name)
            if item.get("type") == "kubernetes.io/service-account-token":
                annotations = mapping(mapping(item, "metadata"), "annotations")
                owner = annotations.get("kubernetes.io/service-account.name")
                if owner:
                    _add(graph, secret, ("ServiceAccount", f"{namespace}/{owner}"), "token-in-secret")


def _secret_edges(graph: AttackGraph, world: AccessWorld, namespace: str, name: str) -> None:
    secret: Node = ("secret", f"{namespace}/{name}")
    _add(graph, ("cap", f"read-secrets/{namespace}"), secret, "secret-value")
    _add(graph, ("name", f"secret/{name}"), secret, "secret-value")
    for node in world.nodes.nodes_of("secret", namespace, name):
        _add(graph, ("node", node), secret, "node-secret")


def _services(graph: AttackGraph, estate: Estate) -> None:
    """Add what can be reached from outside: load balancers, node ports, external addresses, Ingresses."""
    by_namespace: dict[str, list[Pod]] = {}
    for pod in estate.pods:
        by_namespace.setdefault(pod.namespace, []).append(pod)
    for namespace, name, spec, notes in estate.services:
        endpoint: Node = ("endpoint", f"{namespace}/{name}")
        outside = spec.get("type") in ("LoadBalancer", "NodePort") or bool(spec.get("externalIPs"))
        internal = str(notes.get(INTERNAL)).lower() == "true" and spec.get("type") == "LoadBalancer"
        if (outside and not internal) or (namespace, name) in estate.published:
            _add(graph, OUTSIDE, endpoint, "exposed")
        selector = mapping(spec, "selector")
        if not selector:
            continue
        ports = {port.get("targetPort", port.get("port")) for port in items(spec, "ports")}
        for pod in by_namespace.get(namespace, ()):
            if all(pod.labels.get(key) == value for key, value in selector.items()):
                for container in items(pod.spec, "containers"):
                    if _listens(container, ports):
                        target = ("container", f"{namespace}/{pod.name}/{container.get('name') or ''}")
                        _add(graph, endpoint, target, "endpoint-exploit")


def _listens(container: dict[str, Any], ports: set[Any]) -> bool:
    """Tell whether a container may serve one of the ports: it says so, or says nothing (ports are only a note)."""
    declared = items(container, "ports")
    return not declared or any(
        each.get("containerPort") in ports or each.get("name") in ports for each in declared
    )
