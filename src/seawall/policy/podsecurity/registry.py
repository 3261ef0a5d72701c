"""All checks, and the list of rules that each level has at each version (policy/registry.go of the reference)."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.core.errors import InputError
from seawall.policy.podsecurity import checks as folder
from seawall.policy.podsecurity.levels import LATEST, NEWEST
from seawall.policy.podsecurity.pod import Pod, defaulted, reduced, template_of

if TYPE_CHECKING:
    from seawall.policy.podsecurity.check import Check, Rule


class Violation(NamedTuple):
    """Why a pod is not allowed: which check, a short reason, the offending values."""

    check: str
    reason: str
    detail: str


@functools.cache
def checks() -> tuple[Check, ...]:
    """Return every check: baseline sorted by id, then restricted sorted by id."""
    found: list[Check] = [
        importlib.import_module(f"{folder.__name__}.{module.name}").CHECK
        for module in pkgutil.iter_modules(folder.__path__)
    ]
    return tuple(sorted(found, key=lambda check: (check.level != "baseline", check.id)))


@functools.cache
def standard(level: str, version: int) -> tuple[tuple[str, frozenset[str], Rule], ...]:
    """Return (id, fields it needs, rule) of each check of a level at a minor version, in order.

    Versions above the newest known, and `LATEST`, are the newest known.
    """
    if level == "privileged":
        return ()
    version = NEWEST if version == LATEST else min(version, NEWEST)
    chosen = []
    overridden: set[str] = set()
    for check in checks():
        if check.level == "restricted" and level != "restricted":
            continue
        current = [rule for rule in check.versions if rule.since <= version]
        if current:
            overridden.update(current[-1].overrides)
            chosen.append((check.id, check.needs, current[-1].rule))
    return tuple(entry for entry in chosen if entry[0] not in overridden)


def judge(pod: Pod, level: str, version: int) -> list[Violation]:
    """Return what a pod violates of a level at a version, in the order of the reference."""
    fields = pod.fields
    found = []
    for check, needs, rule in standard(level, version):
        if needs and needs.isdisjoint(fields):
            continue
        fault = rule(pod)
        if fault is not None:
            if pod.whole is not None:
                return judge(Pod(*pod.whole), level, version)
            found.append(Violation(check, *fault))
    return found


def evaluate(obj: dict[str, Any], level: str, version: int = LATEST) -> list[Violation]:
    """Judge a pod or a workload from its manifest, after the API server's defaults.

    Args:
        obj: one of the nine kinds that hold a pod. Not changed.
        level: `privileged`, `baseline` or `restricted`.
        version: the minor version, or `LATEST`.

    Returns:
        The violations; empty where the pod is allowed or the workload has no template.

    Raises:
        InputError: the object holds no pod, or is not shaped like one.
    """
    template = template_of(obj)
    if template is None:
        return []
    try:
        spec = defaulted(template.get("spec") or {}, template=template is not obj)
        return judge(reduced(template.get("metadata") or {}, spec), level, version)
    except (AttributeError, TypeError, ValueError) as error:
        # The checks read as the typed API does; where a list stands for an object the API server
        # could not have decoded it either.
        raise InputError(f"the pod is not of the API's shape: {error}") from None


def describe(violations: list[Violation]) -> str:
    """Return `reason (detail), reason, ...`, the sentence of denials, warnings and audit annotations."""
    return ", ".join([f"{v.reason} ({v.detail})" if v.detail else v.reason for v in violations])
