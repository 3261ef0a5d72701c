"""The objects that edges lead through, read once: pods, accounts, secrets, nodes, volumes, services, namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.names import service_account_groups, split_service_account
from seawall.access.node_references import pod_secret_names
from seawall.snapshot.workloads import POD_TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seawall.access.world import AccessWorld

Json = dict[str, Any]
_HELD_BACK = ("baseline", "restricted")
"""Pod Security levels that keep privileged pods out."""


class Pod(msgspec.Struct, frozen=True, gc=False):
    """A pod as edges see it."""

    namespace: str
    name: str
    spec: Json
    labels: Json
    annotations: Json

    @property
    def node(self) -> str:
        """Where it runs, "" where it is not placed."""
        value = self.spec.get("nodeName")
        return value if isinstance(value, str) else ""

    @property
    def account(self) -> str:
        """Its service account's name."""
        return str(self.spec.get("serviceAccountName") or "default")


class Account(msgspec.Struct, frozen=True, gc=False):
    """A service account: whether its token is mounted by default, and the Azure identity it is annotated with."""

    mounts: bool = True
    client: str = ""


class Estate:
    """Everything of a world that is no role and no binding."""

    def __init__(self, world: AccessWorld) -> None:
        self.pods: list[Pod] = []
        self.accounts: dict[str, dict[str, Account]] = {}
        self.secrets: dict[str, list[tuple[str, Json]]] = {}
        self.services: list[tuple[str, str, Json, Json]] = []
        self.published: set[tuple[str, str]] = set()
        """Services that an Ingress leads to."""
        self.nodes: set[str] = set()
        self.restricted: set[str] = set()
        self.claims: dict[tuple[str, str], Json] = {}
        """The spec of the volume that a claim is bound to."""
        self.namespaces: set[str] = set(world.rbac.namespaces)
        self.named_secrets: dict[str, set[str]] = {}
        """Secrets that a pod, an account or an Ingress names, by namespace: they count as there, read or not."""
        for item in world.objects:
            self._read(item)
        self.pods += _pods_to_come(world.objects, self.pods)
        for pod in self.pods:
            self.account(pod.namespace, pod.account)
            self._name_secrets(pod.namespace, pod_secret_names(pod.spec))
        for kind, name in subjects(world):
            account = split_service_account(name) if kind == "User" else None
            if account:
                self.account(*account)
        self.namespaces |= self.accounts.keys() | self.secrets.keys() | self.named_secrets.keys()

    def account(self, namespace: str, name: str) -> Account:
        """Return an account; one that is only named somewhere counts as there."""
        return self.accounts.setdefault(namespace, {}).setdefault(name, Account())

    def _name_secrets(self, namespace: str, names: set[str]) -> None:
        self.named_secrets.setdefault(namespace, set()).update(names - {""})

    def _read(self, item: Json) -> None:
        metadata = item.get("metadata")
        if not isinstance(metadata, dict):
            return
        name, namespace = str(metadata.get("name") or ""), str(metadata.get("namespace") or "default")
        spec = mapping(item, "spec")
        match item.get("kind"):
            case "Pod":
                pod = Pod(
                    namespace, name, spec, mapping(metadata, "labels"), mapping(metadata, "annotations")
                )
                self.pods.append(pod)
                if pod.node:
                    self.nodes.add(pod.node)
            case "ServiceAccount":
                client = mapping(metadata, "annotations").get("azure.workload.identity/client-id")
                mounts = item.get("automountServiceAccountToken") is not False
                made = Account(mounts, client.lower() if isinstance(client, str) else "")
                self.accounts.setdefault(namespace, {})[name] = made
                held = (*items(item, "secrets"), *items(item, "imagePullSecrets"))
                self._name_secrets(namespace, {str(each.get("name") or "") for each in held})
            case "Secret":
                self.secrets.setdefault(namespace, []).append((name, item))
            case "Node":
                self.nodes.add(name)
            case "Namespace":
                self.namespaces.add(name)
                if mapping(metadata, "labels").get("pod-security.kubernetes.io/enforce") in _HELD_BACK:
                    self.restricted.add(name)
            case "PersistentVolume":
                claim = mapping(spec, "claimRef")
                if claim:
                    self.claims[str(claim.get("namespace") or ""), str(claim.get("name") or "")] = spec
            case "Service":
                self.services.append((namespace, name, spec, mapping(metadata, "annotations")))
            case "Ingress":
                self.published |= {(namespace, each) for each in _backends(spec)}
                self._name_secrets(
                    namespace, {str(each.get("secretName") or "") for each in items(spec, "tls")}
                )


def _pods_to_come(objects: Iterable[Json], running: list[Pod]) -> Iterator[Pod]:
    """Yield one pod for each workload that has none yet, as in manifests that are not applied: "deployment/web".

    A pod that carries the template's labels is taken for one of its pods. What another object controls is left to
    that one, and what is scaled to nothing has no pods.
    """
    held: dict[str, list[Json]] = {}
    for pod in running:
        held.setdefault(pod.namespace, []).append(pod.labels)
    for item in objects:
        kind, version = item.get("kind"), str(item.get("apiVersion") or "")
        steps = POD_TEMPLATES.get((version.rpartition("/")[0], str(kind)))
        metadata, spec = mapping(item, "metadata"), mapping(item, "spec")
        if not steps or kind == "PodTemplate" or spec.get("replicas") == 0:
            continue
        if any(each.get("controller") is True for each in items(metadata, "ownerReferences")):
            continue
        template: Any = item
        for step in steps:
            template = mapping(template, step)
        namespace = str(metadata.get("namespace") or "default")
        marks = mapping(mapping(template, "metadata"), "labels")
        if any(marks.items() <= labels.items() for labels in held.get(namespace, ())) and marks:
            continue
        name = f"{str(kind).lower()}/{metadata.get('name') or ''}"
        notes = mapping(mapping(template, "metadata"), "annotations")
        yield Pod(namespace, name, mapping(template, "spec"), marks, notes)


def _backends(spec: Json) -> set[str]:
    """Return the services that an Ingress names."""
    holders = [mapping(spec, "defaultBackend")]
    for rule in items(spec, "rules"):
        holders += [mapping(path, "backend") for path in items(mapping(rule, "http"), "paths")]
    return {
        str(mapping(each, "service").get("name")) for each in holders if mapping(each, "service").get("name")
    }


def mapping(holder: Any, key: str) -> Json:
    """Return an object's field where it is an object, else an empty one."""
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}


def items(holder: Any, key: str) -> list[Json]:
    """Return a field's items that are objects."""
    value = holder.get(key) if isinstance(holder, dict) else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def groups_of(user: str) -> tuple[str, ...]:
    """Return the groups that the server adds to a user by itself (specs b1.9)."""
    if user == "system:anonymous":
        return ("system:unauthenticated",)
    account = split_service_account(user)
    return (*(service_account_groups(account[0]) if account else ()), "system:authenticated")


def subjects(world: AccessWorld) -> set[tuple[str, str]]:
    """Return whom any binding names, as ("User" or "Group", name)."""
    keys = (binding.subject_key(each) for binding in world.rbac.bindings for each in binding.subjects)
    return {key for key in keys if key is not None}
