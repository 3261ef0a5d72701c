"""Who stands behind a Service, as peers of a rule: by its EndpointSlices where they were read, else by its selector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.core import InputError
from seawall.network.model import Selector, read_network
from seawall.network.rules import PeerMatch, PortMatch

if TYPE_CHECKING:
    from seawall.network.estate import NetworkEstate

Backends = list[tuple[tuple[PeerMatch, ...], PortMatch]]
"""Peers with the port on which they serve, one entry a port of the Service."""


def backends(estate: NetworkEstate, namespace: str, name: str, where: str) -> Backends:
    """Return who serves a Service and on which port.

    Raises:
        InputError: the Service or its endpoints were not read.
    """
    slices = [raw for raw in estate.slices if _is_of(raw, namespace, name)]
    if slices:
        return [entry for raw in slices for entry in _of_slice(raw)]
    for raw in estate.services:
        metadata, spec = raw.get("metadata") or {}, raw.get("spec") or {}
        if (str(metadata.get("namespace") or "default"), metadata.get("name")) != (namespace, name):
            continue
        selector = spec.get("selector")
        if not selector:
            break
        labels = tuple(sorted((str(key), str(value)) for key, value in selector.items()))
        peers = (PeerMatch(namespace=namespace, pods=Selector(labels)),)
        return [(peers, _port(item)) for item in spec.get("ports") or []]
    raise InputError(f"{where}: the endpoints of Service {namespace}/{name} were not read")


def _is_of(raw: dict[str, Any], namespace: str, name: str) -> bool:
    metadata = raw.get("metadata") or {}
    labels = metadata.get("labels") or {}
    space = str(metadata.get("namespace") or "default")
    return space == namespace and labels.get("kubernetes.io/service-name") == name


def _of_slice(raw: dict[str, Any]) -> Backends:
    texts = [text for item in raw.get("endpoints") or [] for text in item.get("addresses") or []]
    peers = tuple(
        PeerMatch(block=read_network(f"{text}/{128 if ':' in str(text) else 32}", "EndpointSlice"))
        for text in texts
    )
    found: Backends = []
    for item in raw.get("ports") or []:
        protocol, port = str(item.get("protocol") or "TCP"), item.get("port")
        found.append((peers, PortMatch(protocol, port, port)))
    return found


def _port(item: dict[str, Any]) -> PortMatch:
    protocol = str(item.get("protocol") or "TCP")
    target: Any = item.get("targetPort", item.get("port"))
    if isinstance(target, str) and not target.isdigit():
        return PortMatch(protocol, name=target)
    return PortMatch(protocol, int(target), int(target))
