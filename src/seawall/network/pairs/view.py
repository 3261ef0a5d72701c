"""The matrix in the words of people: workloads by name, the outside by ranges of addresses, ports as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from seawall.network.pairs.endpoint import EXTERNAL, HOST, NODE
from seawall.network.workloads import Owners

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seawall.network.estate import NetworkEstate
    from seawall.network.pairs.engine import Matrix

WORKLOAD = "workload"


class Entity(msgspec.Struct, frozen=True):
    """Ends that people call by one name and the rules treat alike.

    `kind` is `workload`, `host` (pods in the host's network: no policy holds them), `node` (addresses of
    nodes) or `external`; `members` counts pods or addresses known, `number` is one of its endpoints.
    `identity` is (namespace, kind, name) of what a person wrote, None for addresses.
    """

    name: str
    kind: str
    namespace: str
    cls: int
    members: int
    number: int
    identity: tuple[str, str, str] | None = None


def entities(matrix: Matrix, estate: NetworkEstate) -> list[Entity]:
    """Return the entities of a matrix in stable order: workloads by namespace and name, then addresses."""
    owners = Owners(estate.workloads)
    people = matrix.people
    classes = matrix.class_of.tolist()
    found: dict[tuple[tuple[str, str, str], int, bool], list[int]] = {}
    outside: dict[tuple[str, int], list[int]] = {}
    for number in range(people.size):
        endpoint = people.endpoint(number)
        if endpoint.kind in {NODE, EXTERNAL}:
            outside.setdefault((endpoint.kind, classes[number]), []).append(number)
        elif endpoint.raw is not None:
            root = owners.root(endpoint.raw)
            found.setdefault((root, classes[number], endpoint.kind == HOST), []).append(number)
    parts: dict[tuple[tuple[str, str, str], bool], int] = {}
    for root, _, host in found:
        parts[root, host] = parts.get((root, host), 0) + 1
    listed = []
    for (root, cls, host), members in sorted(found.items(), key=lambda item: (item[0][0], item[1][0])):
        namespace, kind, name = root
        text = f"{namespace}/{name}[{kind}]"
        if parts[root, host] > 1:
            # Pods of one workload that the rules tell apart: the first of each part is named.
            first = people.endpoint(members[0]).raw or {}
            text += f" as {(first.get('metadata') or {}).get('name')}"
        listed.append(
            Entity(text, HOST if host else WORKLOAD, namespace, cls, len(members), members[0], root)
        )
    for (kind, cls), members in outside.items():
        if kind == NODE:
            texts = sorted(str(people.endpoint(number).address) for number in members)
            more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
            text = f"{','.join(texts[:3])}{more}[Node]"
        else:
            text = f"{','.join(ranges(matrix, members))}[External]"
        listed.append(Entity(text, kind, "", cls, len(members), members[0]))
    return listed


def ranges(matrix: Matrix, members: Iterable[int]) -> list[str]:
    """Write the atoms of a class outside as ranges, adjacent ones joined."""
    spans = sorted(span for span in (matrix.people.endpoint(number).span for number in members) if span)
    joined: list[tuple[int, int, int]] = []
    for version, index in spans:
        if joined and joined[-1][0] == version and joined[-1][2] + 1 == index:
            joined[-1] = (version, joined[-1][1], index)
        else:
            joined.append((version, index, index))
    return [matrix.people.atoms.range_text(*item) for item in joined]


class Connection(msgspec.Struct, frozen=True):
    """What one entity may send to another: `mask` over the matrix's ports, `ports` the same as text."""

    source: Entity
    target: Entity
    mask: int
    ports: str


def connections(matrix: Matrix, listed: list[Entity]) -> Iterator[Connection]:
    """Yield every connection between different entities that any port has, in the order of the entities.

    Addresses to addresses are nobody's question here; an entity of several pods is asked about itself too.
    """
    classes = np.array([item.cls for item in listed], dtype=np.int64)
    wanted = np.unique(classes)
    table: dict[tuple[int, int], int] = {}
    for low, words in matrix.rows():
        for left in wanted[(wanted >= low) & (wanted < low + words.shape[0])].tolist():
            row = words[left - low]
            for right in np.flatnonzero(row.any(axis=1)).tolist():
                table[left, right] = matrix.ports.from_words(row[right])
    texts: dict[int, str] = {}
    for source in listed:
        for target in listed:
            if source is target and source.members < 2:
                continue
            if source.kind in {NODE, EXTERNAL} and target.kind in {NODE, EXTERNAL}:
                continue
            mask = table.get((source.cls, target.cls), 0)
            if mask:
                if mask not in texts:
                    texts[mask] = matrix.ports.text(mask)
                yield Connection(source, target, mask, texts[mask])
