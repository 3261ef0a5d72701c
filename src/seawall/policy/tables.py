"""The rows of the table `pod_security`: a row a pod or pod template, level and check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.core.errors import InputError
from seawall.policy.podsecurity import LATEST, checks, evaluate, standard
from seawall.policy.podsecurity.pod import template_of
from seawall.snapshot.workloads import POD_TEMPLATE_OF_KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.snapshot.tables.index import Estate

COLUMNS = """
id          string   the subject id of the pod or workload
namespace   string   the namespace
name        string   the name
level       string   `baseline` or `restricted`, at the newest version known
check       string   the check's id, as the Pod Security Standards name it
path        string   the field that the check judges
allowed     bool     whether the check allows the pod; null where the pod cannot be read
reason      string   the short reason where it does not
detail      string   the offending values
"""
_KINDS = {
    **dict.fromkeys(("Pod", "PodTemplate", "ReplicationController"), ""),
    **dict.fromkeys(("ReplicaSet", "Deployment", "DaemonSet", "StatefulSet"), "apps"),
    **dict.fromkeys(("Job", "CronJob"), "batch"),
}


def pod_security_rows(estate: Estate) -> Iterator[tuple[Any, ...]]:
    """Yield a row for every pod template, level and check of that level, allowed or not."""
    paths = {check.id: check.path for check in checks()}
    for subject, item in estate.objects:
        if (
            item.kind not in POD_TEMPLATE_OF_KIND
            or _KINDS[item.kind] != item.group
            or not isinstance(item.raw, dict)
        ):
            continue
        if template_of(item.raw) is None:
            continue
        for level in ("baseline", "restricted"):
            try:
                found = {violation.check: violation for violation in evaluate(item.raw, level, LATEST)}
            except InputError:
                found = None
            for name, _, _ in standard(level, LATEST):
                fault = found.get(name) if found else None
                yield (
                    subject.id, subject.namespace, subject.name, level, name, paths[name],
                    None if found is None else fault is None,
                    fault.reason if fault else "", fault.detail if fault else "",
                )  # fmt: skip


__all__ = ["COLUMNS", "pod_security_rows"]
