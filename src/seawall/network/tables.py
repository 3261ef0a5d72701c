"""The rows of the table `reach`: by classes, what each may send where (design: everything is a table)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Protocol

from seawall.network.ask import IMDS, WIRE_SERVER
from seawall.network.engines import one_engine
from seawall.network.estate import read_estate
from seawall.network.pairs import Matrix
from seawall.network.pairs.view import Entity, entities

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seawall.network.estate import NetworkEstate
    from seawall.snapshot import KubernetesObject, Snapshot

COLUMNS = """
id             string   the class that calls, the kind of what is called and the ports: stable for one snapshot
fromClass      long     a class of ends that no rule tells apart
fromKind       string   workload, host (pods in the host's network), node or external
from           dynamic  who calls, by name; the first hundred
fromCount      long     how many ends call
fromNamespaces dynamic  their namespaces; also those where a new pod without labels would be of this class
toKind         string   workload, host, node or external
to             dynamic  who is called, by name or as ranges of addresses; the first hundred
toCount        long     how many ends are called
toNamespaces   dynamic  their namespaces
target         string   `imds` or `wireserver` where that address is what is called, else empty
ports          string   the ports, as people write them; `all` is every protocol
tcp            dynamic  ranges of TCP ports, [[low, high], ...]
udp            dynamic  the same of UDP
sctp           dynamic  the same of SCTP
"""
"""Columns of the table, one a line: name, type, meaning."""

_MOST = 100
_NEW = "(a new pod)"
_KNOWN = {str(IMDS): "imds", str(WIRE_SERVER): "wireserver"}
_CUTS = tuple(ipaddress.ip_network(text) for text in _KNOWN)


class HasSnapshot(Protocol):
    """What the rows are read from: anything with a snapshot (seawall.snapshot.tables.Estate)."""

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot."""
        ...


def reach_rows(estate: HasSnapshot) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of `reach` in stable order: by class that calls, what is called, ports."""
    snapshot = estate.snapshot
    yield from rows_of(snapshot.objects, one_engine(item.row for item in snapshot.resources))


def rows_of(objects: Iterable[KubernetesObject], engine: str = "") -> Iterator[tuple[Any, ...]]:
    """Yield the rows over objects; policies that the API server would refuse count for nothing."""
    estate = read_estate((item.raw for item in objects), strict=False, engine=engine)
    if not estate.pods and not estate.workloads and not estate.namespaces:
        return
    matrix = Matrix(_with_new_pods(estate), cuts=_CUTS)
    groups: dict[tuple[int, str, str], list[Entity]] = {}
    for item in entities(matrix, estate):
        groups.setdefault((item.cls, item.kind, _target(item)), []).append(item)
    cells: dict[int, dict[int, int]] = {}
    used = sorted({key[0] for key in groups})
    for low, words in matrix.rows():
        for cls in used:
            if low <= cls < low + words.shape[0]:
                row = words[cls - low]
                cells[cls] = {
                    target: matrix.ports.from_words(row[target]) for target in used if row[target].any()
                }
    for (cls, kind, target), sources in groups.items():
        if kind in {"external", "node"} and target:
            continue  # nobody asks what the platform's own addresses call
        called: dict[tuple[str, str, int], list[Entity]] = {}
        for (other, other_kind, other_target), targets in groups.items():
            mask = cells[cls].get(other, 0)
            if mask and not (kind in {"external", "node"} and other_kind in {"external", "node"}):
                called.setdefault((other_kind, other_target, mask), []).extend(targets)
        for (other_kind, other_target, mask), targets in sorted(called.items(), key=lambda item: item[0]):
            spans = matrix.ports.ranges(mask)
            ports = matrix.ports.text(mask)
            yield (
                f"{cls}/{kind}>{other_target or other_kind}:{ports}",
                cls,
                kind,
                _names(sources),
                _count(sources),
                _spaces(sources),
                other_kind,
                _names(targets),
                _count(targets),
                _spaces(targets),
                other_target,
                ports,
                *([list(span) for span in spans.get(name, ())] for name in ("TCP", "UDP", "SCTP")),
            )


def _with_new_pods(estate: NetworkEstate) -> NetworkEstate:
    """Add to each namespace the pod that somebody may create tomorrow: no labels, no address."""
    new = [
        {"kind": "Pod", "metadata": {"name": _NEW, "namespace": name}} for name in sorted(estate.namespaces)
    ]
    return estate.with_pods([*estate.pods, *new])


def _is_new(item: Entity) -> bool:
    return item.identity is not None and item.identity[1:] == ("Pod", _NEW)


def _target(item: Entity) -> str:
    return _KNOWN.get(item.name.removesuffix("[External]"), "") if item.kind == "external" else ""


def _names(items: list[Entity]) -> list[str]:
    return [item.name for item in items if not _is_new(item)][:_MOST]


def _count(items: list[Entity]) -> int:
    return sum(item.members for item in items if not _is_new(item))


def _spaces(items: list[Entity]) -> list[str]:
    return sorted({item.namespace for item in items if item.namespace})


__all__ = ["COLUMNS", "reach_rows", "rows_of"]
