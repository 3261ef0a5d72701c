"""What a change opens and what it closes: two matrices over the same cuts, compared bit by bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from seawall.network.pairs.endpoint import EXTERNAL, HOST, NODE
from seawall.network.pairs.engine import Matrix
from seawall.network.pairs.view import WORKLOAD, ranges
from seawall.network.workloads import Owners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.estate import NetworkEstate


class Change(msgspec.Struct, frozen=True):
    """Ports that one entity gained or lost towards another.

    `new` names the ends that were not there before, `gone` those that are not there any more.
    """

    source: str
    target: str
    gained: str
    lost: str
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def diff(old: NetworkEstate, new: NetworkEstate) -> list[Change]:
    """Return every connection that differs, exactly, by entity; in the order of the entities.

    Both matrices are cut at the ports and blocks of both, so a bit means the same in each. An end that is in
    one estate alone has no connection in the other.
    """
    before = Matrix(old, port_cuts=new.policies)
    after = Matrix(new, port_cuts=old.policies)
    ports = after.ports
    if before.ports.atoms != ports.atoms:
        # Named ports resolve to numbers of pods that only one estate has: cut both at the union.
        numbers = [*before.people.resolutions, *after.people.resolutions]
        before = Matrix(old, port_cuts=new.policies, resolutions=numbers)
        after = Matrix(new, port_cuts=old.policies, resolutions=numbers)
        ports = after.ports
    return list(_changes(before, after, old, new))


def _changes(before: Matrix, after: Matrix, old: NetworkEstate, new: NetworkEstate) -> Iterator[Change]:
    joint = _joint(before, after, old, new)
    masks: dict[tuple[int, int, int, int], tuple[int, int]] = {}
    texts: dict[int, str] = {0: ""}
    ports = after.ports
    for source_name, source_kind, left in joint:
        for target_name, target_kind, right in joint:
            if source_kind in {NODE, EXTERNAL} and target_kind in {NODE, EXTERNAL}:
                continue
            if source_name == target_name and left[2] < 2:
                continue
            key = (left[0], left[1], right[0], right[1])
            found = masks.get(key)
            if found is None:
                was = before.mask(left[0], right[0]) if left[0] >= 0 and right[0] >= 0 else 0
                now = after.mask(left[1], right[1]) if left[1] >= 0 and right[1] >= 0 else 0
                found = masks[key] = (now & ~was, was & ~now)
            gained, lost = found
            if not gained and not lost:
                continue
            for mask in found:
                if mask not in texts:
                    texts[mask] = ports.text(mask)
            yield Change(
                source_name,
                target_name,
                texts[gained],
                texts[lost],
                tuple(name for name, end in ((source_name, left), (target_name, right)) if end[0] < 0),
                tuple(name for name, end in ((source_name, left), (target_name, right)) if end[1] < 0),
            )


def _joint(
    before: Matrix, after: Matrix, old: NetworkEstate, new: NetworkEstate
) -> list[tuple[str, str, tuple[int, int, int]]]:
    """Return (name, kind, (class before, class after, members)) of everybody; -1 for who was not there.

    A pod is compared with itself where both estates have it by name; other pods of a workload, which got new
    names in between, with every class that the workload's pods had.
    """
    left, right = _by_identity(before, old), _by_identity(after, new)
    found: list[tuple[str, str, tuple[int, int, int]]] = []
    for key in sorted(left.keys() | right.keys(), key=str):
        olds, news = left.get(key, {}), right.get(key, {})
        pairs: dict[tuple[int, int], int] = {}
        for name in olds.keys() & news.keys():
            pair = (olds[name], news[name])
            pairs[pair] = pairs.get(pair, 0) + 1
        for name in news.keys() - olds.keys():
            for was in sorted(set(olds.values())) or [-1]:
                pairs[was, news[name]] = pairs.get((was, news[name]), 0) + 1
        if not news:
            for was in olds.values():
                pairs[was, -1] = pairs.get((was, -1), 0) + 1
        members = max(len(olds), len(news))
        found += [(key[0], key[1], (was, now, members)) for was, now in sorted(pairs)]
    # Outside, the atoms are the same on both sides: they are grouped by the pair of their classes.
    spans: dict[tuple[int, int], list[int]] = {}
    shift = before.people.outside - after.people.outside
    for number in range(after.people.outside, after.people.size):
        pair = (int(before.class_of[number + shift]), int(after.class_of[number]))
        spans.setdefault(pair, []).append(number)
    for (was, now), numbers in sorted(spans.items()):
        name = f"{','.join(ranges(after, numbers))}[External]"
        found.append((name, EXTERNAL, (was, now, 1)))
    return found


def _by_identity(matrix: Matrix, estate: NetworkEstate) -> dict[tuple[str, str], dict[str, int]]:
    """Return (name, kind) -> the class of each of its pods by name; a workload without pods has one, itself."""
    owners = Owners(estate.workloads)
    found: dict[tuple[str, str], dict[str, int]] = {}
    for number in range(matrix.people.outside):
        endpoint = matrix.people.endpoint(number)
        cls = int(matrix.class_of[number])
        if endpoint.kind == NODE:
            found.setdefault((f"{endpoint.address}[Node]", NODE), {})[""] = cls
        elif endpoint.raw is not None:
            namespace, kind, name = owners.root(endpoint.raw)
            inner = str((endpoint.raw.get("metadata") or {}).get("name")) if endpoint.template is None else ""
            key = (f"{namespace}/{name}[{kind}]", HOST if endpoint.kind == HOST else WORKLOAD)
            found.setdefault(key, {})[inner] = cls
    return found
