"""What a check is: an id, a level, the versions of its rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from seawall.policy.podsecurity.pod import Pod

Fault = tuple[str, str]
"""A short reason that is always shown, and a detail with the offending values (may be empty)."""

Rule = Callable[[Pod], Fault | None]
"""Judges one pod; None where it is allowed."""


class Version(NamedTuple):
    """A rule and the first minor version (of Kubernetes 1.x) of the standards that has it."""

    since: int
    rule: Rule
    overrides: tuple[str, ...] = ()


class Check(NamedTuple):
    """One check of the Pod Security Standards.

    Attributes:
        id: the name that the reference gives it.
        level: `baseline` or `restricted`.
        versions: its rules, oldest first.
        needs: names of fields; where none of them is present in a pod, the pod passes without being
            asked. Empty: always asked.
        path: the field that it judges, for people and tables.
    """

    id: str
    level: str
    versions: tuple[Version, ...]
    needs: frozenset[str]
    path: str
