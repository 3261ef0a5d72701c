"""What each namespace could bear today: every pod template judged at every level, and who stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.core.errors import InputError
from seawall.policy.podsecurity import evaluate
from seawall.policy.podsecurity.pod import template_of
from seawall.policy.podsecurity.registry import describe
from seawall.snapshot.workloads import POD_TEMPLATE_OF_KIND

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]


class Obstacle(NamedTuple):
    """A workload that a level would not allow: its kind and name, and the sentence of the API server."""

    kind: str
    name: str
    why: str


class Bearing(NamedTuple):
    """One namespace: the strictest level that all of its pod templates meet, and what stands in the way.

    `level` is None where an object could not be read: then nothing is promised.
    """

    namespace: str
    level: str | None
    workloads: int
    obstacles: tuple[Obstacle, ...]
    unread: tuple[str, ...]


def what_if(objects: Iterable[Json], level: str, version: int) -> list[Bearing]:
    """Judge all workloads, by namespace in order of name.

    Args:
        objects: Kubernetes objects; those that hold no pod are passed over. Objects without a namespace are
            in `default`.
        level: the level that is wanted: obstacles are named against it.
        version: of the standards.
    """
    grouped: dict[str, list[Json]] = {}
    for obj in objects:
        if (
            isinstance(obj.get("kind"), str)
            and obj["kind"] in POD_TEMPLATE_OF_KIND
            and template_of(obj) is not None
        ):
            metadata = obj.get("metadata") or {}
            grouped.setdefault(str(metadata.get("namespace") or "default"), []).append(obj)
    return [_bearing(name, grouped[name], level, version) for name in sorted(grouped)]


def _bearing(namespace: str, objects: list[Json], level: str, version: int) -> Bearing:
    obstacles: list[Obstacle] = []
    unread: list[str] = []
    borne = "restricted"
    for obj in objects:
        kind, name = str(obj["kind"]), str((obj.get("metadata") or {}).get("name") or "")
        try:
            wanted = evaluate(obj, level, version)
            if evaluate(obj, "baseline", version):
                borne = "privileged"
            elif borne == "restricted" and evaluate(obj, "restricted", version):
                borne = "baseline"
        except InputError as error:
            unread.append(f"{kind}/{name}: {error.message}")
            continue
        if wanted:
            obstacles.append(Obstacle(kind, name, describe(wanted)))
    return Bearing(namespace, None if unread else borne, len(objects), tuple(obstacles), tuple(unread))


__all__ = ["Bearing", "Obstacle", "what_if"]
