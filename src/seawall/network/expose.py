"""What pods that do not exist yet could reach, and what could reach them: the openings that wait for a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.network.expressions import POD, Every, Expression, Some, Term
from seawall.network.model import Peer, Pod, read_pod
from seawall.network.pairs import Matrix
from seawall.network.pairs.view import Connection, connections, entities

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.estate import NetworkEstate
    from seawall.network.rules import PeerMatch

NEW_SPACE = "(a new namespace)"


class Exposure(msgspec.Struct, frozen=True):
    """A connection that a pod of tomorrow would have; `newcomer` says which pod that is."""

    newcomer: str
    way: str
    other: str
    ports: str


def expose(estate: NetworkEstate) -> list[Exposure]:
    """Return the connections of newcomers.

    They are a pod without labels in each namespace and in a new one, and a pod for each peer that rules name and
    nobody is, with just the labels that the peer asks for.
    """
    newcomers = {_name(raw): raw for raw in _newcomers(estate)}
    wider = estate.with_pods([*estate.pods, *newcomers.values()])
    wider.namespaces = {**estate.namespaces, NEW_SPACE: {"kubernetes.io/metadata.name": NEW_SPACE}}
    matrix = Matrix(wider)
    listed = entities(matrix, wider)
    found: list[Exposure] = []
    for item in connections(matrix, listed):
        found += _lines(item, newcomers)
    return found


def _lines(item: Connection, newcomers: dict[str, dict[str, Any]]) -> Iterator[Exposure]:
    source, target = _inner(item.source.name), _inner(item.target.name)
    if source in newcomers and target not in newcomers:
        yield Exposure(source, "may call", item.target.name, item.ports)
    elif target in newcomers and source not in newcomers:
        yield Exposure(target, "may be called by", item.source.name, item.ports)


def _inner(name: str) -> str:
    return name.removesuffix("[Pod]")


def _name(raw: dict[str, Any]) -> str:
    return f"{raw['metadata']['namespace']}/{raw['metadata']['name']}"


def _newcomers(estate: NetworkEstate) -> Iterator[dict[str, Any]]:
    pods = [read_pod(raw) for raw in estate.pods]
    pods += [read_pod(item.raw, item.template) for item in estate.standing()]
    spaces = sorted({pod.namespace for pod in pods} | set(estate.namespaces))
    for name in (*spaces, NEW_SPACE):
        yield _pod(name, "(a new pod)", {})
    seen: set[tuple[str, str]] = set()
    for policy in estate.policies:
        for rule in (*policy.ingress, *policy.egress):
            for match in rule.peers or ():
                if match.block is not None or match.nodes is not None or match.entity or not match.known:
                    continue
                if any(match.matches(Peer(pod=pod), estate.namespaces) for pod in pods):
                    continue
                labels = _labels(match)
                if labels is None:
                    continue
                for name in spaces:
                    new = Pod(namespace=name, name="new", labels=labels)
                    if not match.matches(Peer(pod=new), estate.namespaces):
                        continue
                    text = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
                    if text and (name, text) not in seen:
                        seen.add((name, text))
                        yield _pod(name, f"(a new pod with {text})", labels)


def _labels(match: PeerMatch) -> dict[str, str] | None:
    """Return the fewest labels that meet a peer's selector; None where none do."""
    if match.where is not None:
        return _asked(match.where)
    if match.pods is None:
        return {}
    found = dict(match.pods.labels)
    for key, operator, values in match.pods.expressions:
        if operator == "In":
            found.setdefault(key, min(values))
        elif operator == "Exists":
            found.setdefault(key, "any")
    return found if match.pods.matches(found) else None


def _asked(expression: Expression) -> dict[str, str]:
    """Return labels that an expression asks for: of a choice the first; what they do is tried by the caller."""
    if isinstance(expression, Every):
        return {key: value for part in expression.parts for key, value in _asked(part).items()}
    if isinstance(expression, Some):
        return _asked(expression.parts[0]) if expression.parts else {}
    if isinstance(expression, Term) and expression.source == POD:
        return {expression.key: min(expression.values, default="any")}
    return {}


def _pod(namespace: str, name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"namespace": namespace, "name": name, "labels": labels}}
