"""What each namespace could bear today: every pod template judged at every level, and who stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.core.errors import InputError
from seawall.policy.fixes import Fix, smallest_fix
from seawall.policy.podsecurity import evaluate, standard
from seawall.policy.podsecurity.levels import NEWEST
from seawall.policy.podsecurity.pod import template_of
from seawall.policy.podsecurity.registry import describe
from seawall.snapshot.workloads import POD_TEMPLATE_OF_KIND

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]


class Obstacle(NamedTuple):
    """A workload that a level would not allow: its kind and name, the sentence of the API server, the cure."""

    kind: str
    name: str
    why: str
    fix: Fix


class Span(NamedTuple):
    """The level that a namespace bears from one version of the standards to another, both included."""

    level: str
    first: int
    last: int

    def __str__(self) -> str:
        versions = f"v1.{self.first}" if self.first == self.last else f"v1.{self.first} to v1.{self.last}"
        return f"{self.level} at {versions}"


class Bearing(NamedTuple):
    """One namespace: the strictest level that all of its pod templates meet, and what stands in the way.

    `level` is None where an object could not be read: then nothing is promised. `versions` is filled when
    all of them were asked for.
    """

    namespace: str
    level: str | None
    workloads: int
    obstacles: tuple[Obstacle, ...]
    unread: tuple[str, ...]
    versions: tuple[Span, ...] = ()


def what_if(
    objects: Iterable[Json], level: str, version: int, *, all_versions: bool = False
) -> list[Bearing]:
    """Judge all workloads, by namespace in order of name.

    Args:
        objects: Kubernetes objects; those that hold no pod are passed over. Objects without a namespace are
            in `default`.
        level: the level that is wanted: obstacles are named against it.
        version: of the standards.
        all_versions: also say what each namespace bears at every version of the standards.
    """
    grouped: dict[str, list[Json]] = {}
    for obj in objects:
        kind = obj.get("kind")
        if isinstance(kind, str) and kind in POD_TEMPLATE_OF_KIND and template_of(obj) is not None:
            metadata = obj.get("metadata") or {}
            grouped.setdefault(str(metadata.get("namespace") or "default"), []).append(obj)
    return [_bearing(name, grouped[name], level, version, all_versions) for name in sorted(grouped)]


def _bearing(namespace: str, objects: list[Json], level: str, version: int, all_versions: bool) -> Bearing:
    obstacles: list[Obstacle] = []
    unread: list[str] = []
    for obj in objects:
        kind, name = str(obj["kind"]), str((obj.get("metadata") or {}).get("name") or "")
        try:
            wanted = evaluate(obj, level, version)
            if wanted:
                obstacles.append(Obstacle(kind, name, describe(wanted), smallest_fix(obj, level, version)))
        except InputError as error:
            unread.append(f"{kind}/{name}: {error.message}")
    if unread:
        return Bearing(namespace, None, len(objects), tuple(obstacles), tuple(unread))
    spans = tuple(_spans(objects)) if all_versions else ()
    return Bearing(namespace, _borne(objects, version), len(objects), tuple(obstacles), (), spans)


def _borne(objects: list[Json], version: int) -> str:
    """Return the strictest level that all objects meet at a version."""
    for level in ("restricted", "baseline"):
        if not any(evaluate(obj, level, version) for obj in objects):
            return level
    return "privileged"


def _spans(objects: list[Json]) -> Iterable[Span]:
    """Yield what is borne at each version; versions of the same rules are judged once."""
    known: dict[object, str] = {}
    first, current = 0, ""
    for version in range(NEWEST + 1):
        rules = (standard("baseline", version), standard("restricted", version))
        if rules not in known:
            known[rules] = _borne(objects, version)
        if known[rules] != current:
            if current:
                yield Span(current, first, version - 1)
            first, current = version, known[rules]
    yield Span(current, first, NEWEST)


__all__ = ["Bearing", "Obstacle", "Span", "what_if"]
