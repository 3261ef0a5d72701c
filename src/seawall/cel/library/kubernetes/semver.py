"""Semantic versions."""

from __future__ import annotations

import re

from seawall.cel.environment import overload
from seawall.cel.errors import CelError
from seawall.cel.library.conversions import walk
from seawall.cel.library.kubernetes.making import method
from seawall.cel.values import Opaque

_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)


class Semver(Opaque):
    """A semantic version 2.0.0; build metadata does not count."""

    __slots__ = ("numbers", "order", "text")
    kind = "kubernetes.Semver"

    def __init__(self, numbers: tuple[int, int, int], prerelease: str) -> None:
        self.numbers = numbers
        words = tuple(
            (0, int(word), "") if word.isdigit() else (1, 0, word)
            for word in prerelease.split(".")
            if prerelease
        )
        self.order = (numbers, not words, words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self.order == other.order

    def __hash__(self) -> int:
        return hash(self.order)


def parse_semver(text: str, normalize: bool = False) -> Semver:
    """Read a version; `normalize` allows `v`, missing parts and leading zeros. Raises CelError."""
    if normalize:
        head = re.match(r"v?([0-9]+(?:\.[0-9]+){0,2})(?=$|[-+])", text, re.ASCII)
        if head:
            parts = [str(int(part)) for part in head[1].split(".") if len(part) < 20]
            text = ".".join(([*parts, "0", "0"])[:3]) + text[head.end() :]
    match = _SEMVER.fullmatch(text) if len(text) < 1000 else None
    if match is None or any(int(match[n]) >= 2**64 for n in (1, 2, 3)):
        raise CelError(f"invalid semantic version {text[:80]!r}")
    return Semver((int(match[1]), int(match[2]), int(match[3])), match[4] or "")


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        parse_semver(text, normalize)
    except CelError:
        return False
    return True


_S = "kubernetes.Semver"
SEMVER = (
    overload(f"semver(string) -> {_S}", parse_semver, walk),
    overload(f"semver(string, bool) -> {_S}", parse_semver, walk),
    overload("isSemver(string) -> bool", _is_semver, walk),
    overload("isSemver(string, bool) -> bool", _is_semver, walk),
    method(_S, "isGreaterThan(self) -> bool", lambda a, b: a.order > b.order),
    method(_S, "isLessThan(self) -> bool", lambda a, b: a.order < b.order),
    method(_S, "compareTo(self) -> int", lambda a, b: (a.order > b.order) - (a.order < b.order)),
    method(_S, "major() -> int", lambda a: a.numbers[0]),
    method(_S, "minor() -> int", lambda a: a.numbers[1]),
    method(_S, "patch() -> int", lambda a: a.numbers[2]),
)
