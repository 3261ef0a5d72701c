"""The rows of the table `grants`: one row a subject, binding and rule (design: everything is a table)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from seawall.access.explain import rule_document
from seawall.access.world import build_world

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seawall.snapshot import KubernetesObject, Snapshot

GRANTS_COLUMNS = """
id              string   the binding: `ClusterRoleBinding//name` or `RoleBinding/namespace/name`
bindingKind     string   RoleBinding or ClusterRoleBinding
bindingName     string   the name of the binding
namespace       string   where it counts; empty for the whole cluster
subjectKind     string   User, Group or ServiceAccount
subjectName     string   the name as written
subjectNamespace string  the namespace of a service account
subject         string   the user or group name that the server compares
roleKind        string   Role or ClusterRole
roleName        string   the name of the role
roleFound       bool     false where the role is not there: the binding gives nothing
rule            dynamic  the rule, aggregated roles filled; null where the role is not there
ruleIndex       long     the rule's place in the role
builtin         bool     true where Kubernetes makes the binding itself
"""
"""Columns of the table, one a line: name, type, meaning."""


class HasSnapshot(Protocol):
    """What the rows are read from: anything with a snapshot (seawall.snapshot.tables.Estate)."""

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot."""
        ...


def grants_rows(estate: HasSnapshot) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of `grants` in stable order: by binding, subject, rule."""
    yield from rows_of(estate.snapshot.objects)


def rows_of(objects: Iterable[KubernetesObject | dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows over objects; the server's own defaults are not added: they are not the estate's."""
    world = build_world(objects, defaults=False)
    ordered = sorted(world.rbac.bindings, key=lambda each: (each.kind, each.namespace, each.name))
    for binding in ordered:
        role = world.rbac.role_of(binding)
        metadata = (binding.raw or {}).get("metadata") or {}
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        builtin = isinstance(labels, dict) and "kubernetes.io/bootstrapping" in labels
        for subject in binding.subjects:
            key = binding.subject_key(subject)
            account = subject.kind == "ServiceAccount"
            head = (
                f"{binding.kind}/{binding.namespace}/{binding.name}",
                binding.kind,
                binding.name,
                binding.namespace,
                subject.kind,
                subject.name,
                (subject.namespace or binding.namespace) if account else "",
                key[1] if key else "",
                binding.role_kind,
                binding.role_name,
            )
            if role is None:
                yield (*head, False, None, None, builtin)
                continue
            for rule in role.rules:
                yield (*head, True, rule_document(rule), rule.index, builtin)
