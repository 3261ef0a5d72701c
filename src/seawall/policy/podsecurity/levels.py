"""Levels, versions and the labels of a namespace (api/helpers.go of the reference)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from seawall.policy.podsecurity.words import go_quote

if TYPE_CHECKING:
    from collections.abc import Mapping

LEVELS = ("privileged", "baseline", "restricted")
"""From the most open to the strictest."""

NEWEST = 37
"""The newest minor version whose rules are known (k8s.io/pod-security-admission v0.37.2, read 2026-11-21)."""

LATEST = -1
"""The version `latest`: newer than every number."""

PREFIX = "pod-security.kubernetes.io/"
_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)", re.ASCII)
_MAX_INT = 2**63 - 1  # strconv.Atoi refuses what does not fit into an int64


class Standard(NamedTuple):
    """A level at a version; `LATEST` stands for `latest`."""

    level: str
    version: int

    def __str__(self) -> str:
        return f"{self.level}:{'latest' if self.version == LATEST else f'v1.{self.version}'}"


class Policy(NamedTuple):
    """What a namespace asks for, mode by mode."""

    enforce: Standard
    audit: Standard
    warn: Standard

    @property
    def fully_privileged(self) -> bool:
        """Whether no mode asks for anything."""
        return self.enforce.level == self.audit.level == self.warn.level == "privileged"

    def equivalent(self, other: Policy) -> bool:
        """Whether both ask for the same; the version of `privileged` does not matter."""
        return all(a == b or a.level == b.level == "privileged" for a, b in zip(self, other, strict=True))


OPEN = Standard("privileged", LATEST)
DEFAULT = Policy(OPEN, OPEN, OPEN)


def parse_version(text: str) -> int | None:
    """Return the minor version of `v1.N`, `LATEST` for `latest`, None for anything else."""
    if text == "latest":
        return LATEST
    match = _VERSION.fullmatch(text)
    if match is None or len(match[1]) > 19 or int(match[1]) > _MAX_INT:
        return None
    return int(match[1])


def stricter(a: str, b: str) -> bool:
    """Whether level `a` is stricter than level `b`."""
    return LEVELS.index(a) > LEVELS.index(b)


def policy_of(labels: Mapping[str, str] | None, defaults: Policy = DEFAULT) -> tuple[Policy, list[str]]:
    """Read the labels of a namespace.

    A bad level for `enforce` means restricted; for `audit` and `warn` it means privileged; a bad version
    means latest. `warn` follows `enforce` when only that is set, and to something stricter.

    Returns:
        The policy, and the errors as the API server words them, in the server's order.
    """
    if not labels:
        return defaults, []
    errors: list[str] = []
    found: dict[str, Standard] = {}
    good_enforce = False
    for mode, default, on_error in (
        ("enforce", defaults.enforce, "restricted"),
        ("audit", defaults.audit, "privileged"),
        ("warn", defaults.warn, "privileged"),
    ):
        level, version = default
        asked = labels.get(PREFIX + mode)
        if asked is not None:
            level = asked if asked in LEVELS else on_error
            if asked not in LEVELS:
                errors.append(_bad(mode, asked, f"must be one of {', '.join(LEVELS)}"))
            elif mode == "enforce":
                good_enforce = True
        asked = labels.get(f"{PREFIX}{mode}-version")
        if asked is not None:
            number = parse_version(asked)
            version = LATEST if number is None else number
            if number is None:
                errors.append(_bad(f"{mode}-version", asked, 'must be "latest" or "v1.x"'))
        found[mode] = Standard(level, version)
    enforce, warn = found["enforce"], found["warn"]
    if good_enforce and PREFIX + "warn" not in labels and stricter(enforce.level, warn.level):
        kept = PREFIX + "warn-version" in labels
        warn = Standard(enforce.level, warn.version if kept else enforce.version)
    return Policy(enforce, found["audit"], warn), errors


def _bad(mode: str, value: str, why: str) -> str:
    return f"metadata.labels[{PREFIX}{mode}]: Invalid value: {go_quote(value)}: {why}"
