"""The world that network decisions are made in: pods, namespaces, nodes, addresses, selectors."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

import msgspec

from seawall.core import InputError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PROTOCOLS = ("TCP", "UDP", "SCTP")
NUMBERED = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPV6", 132: "SCTP", 136: "UDPLITE"}
"""Protocols that policies call by name, by their number (IANA protocol numbers)."""
ECHO = {"ICMP": 8, "ICMPV6": 128}
"""What is asked where a question says ICMP and no type: the echo request that ping sends."""


class Selector(msgspec.Struct, frozen=True):
    """A label selector, read once. The empty one selects everything.

    NotIn and DoesNotExist match objects without the key (specs b1.5).
    """

    labels: tuple[tuple[str, str], ...] = ()
    expressions: tuple[tuple[str, str, frozenset[str]], ...] = ()

    def matches(self, labels: dict[str, str]) -> bool:
        """Tell whether the labels satisfy every term: matchLabels and matchExpressions are ANDed."""
        for key, value in self.labels:
            if labels.get(key) != value:
                return False
        for key, operator, values in self.expressions:
            present = key in labels
            if operator == "In":
                good = present and labels[key] in values
            elif operator == "NotIn":
                good = not present or labels[key] not in values
            elif operator == "Exists":
                good = present
            else:
                good = not present
            if not good:
                return False
        return True


_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})


def read_selector(value: Any, where: str) -> Selector:
    """Read a label selector.

    Raises:
        InputError: it is not one, with the field that is wrong.
    """
    if value is None:
        return Selector()
    if not isinstance(value, dict):
        raise InputError(f"{where}: a label selector is an object")
    labels = value.get("matchLabels") or {}
    expressions = value.get("matchExpressions") or []
    if not isinstance(labels, dict) or not isinstance(expressions, list):
        raise InputError(f"{where}: matchLabels is an object and matchExpressions a list")
    terms = []
    for index, item in enumerate(expressions):
        at = f"{where}.matchExpressions[{index}]"
        if not isinstance(item, dict) or not isinstance(item.get("key"), str):
            raise InputError(f"{at}.key: Required value")
        operator, values = item.get("operator"), item.get("values") or []
        if operator not in _OPERATORS:
            raise InputError(f'{at}.operator: Invalid value: "{operator}": not a valid selector operator')
        if operator in {"In", "NotIn"} and not values:
            raise InputError(
                f"{at}.values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
            )
        if operator in {"Exists", "DoesNotExist"} and values:
            raise InputError(
                f"{at}.values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            )
        terms.append((item["key"], str(operator), frozenset(map(str, values))))
    return Selector(tuple(sorted((str(k), str(v)) for k, v in labels.items())), tuple(terms))


class Pod(msgspec.Struct, frozen=True):
    """A pod, or the pods that a workload makes, as packets see it.

    `ports` maps (name, protocol) to the numbers that containers give it; `host` pods share their node's
    address and no policy selects them (specs b1.11).
    """

    namespace: str
    name: str
    labels: dict[str, str]
    addresses: tuple[Address, ...] = ()
    node_addresses: tuple[Address, ...] = ()
    host: bool = False
    ports: dict[tuple[str, str], frozenset[int]] = msgspec.field(default_factory=dict)
    account: str = "default"

    @property
    def key(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"


class Peer(msgspec.Struct, frozen=True):
    """One end of a connection: a pod of the world, or an address; `node` says that it is a node's."""

    pod: Pod | None = None
    address: Address | None = None
    node: bool = False

    def addresses(self) -> tuple[Address, ...]:
        """Return the addresses that an IP block may match."""
        if self.address is not None:
            return (self.address,)
        if self.pod is None:
            return ()
        return self.pod.node_addresses if self.pod.host else self.pod.addresses

    def selectable(self) -> Pod | None:
        """Return the pod that selectors may match: none for an address or a pod in the host's network."""
        return None if self.pod is None or self.pod.host else self.pod


class Packet(msgspec.Struct, frozen=True):
    """What is asked: from, to, protocol and port (None for protocols without ports).

    The port of ICMP is its type, and `code` its code; without a type an echo request is meant.
    """

    source: Peer
    target: Peer
    protocol: str
    port: int | None
    code: int = 0

    @property
    def point(self) -> int | None:
        """The port, or for ICMP type and code as one number: what ranges of ports are compared with."""
        if self.protocol in ECHO:
            return ((ECHO[self.protocol] if self.port is None else self.port) << 8) | self.code
        return self.port


def protocol_name(value: Any) -> str:
    """Return a protocol's name in capitals; a number that has a name is called by it, another stays a number."""
    text = str(value).upper()
    return NUMBERED.get(int(text), text) if text.isdigit() and len(text) <= 3 else text


def read_address(text: Any, where: str) -> Address:
    """Read an IP address.

    Raises:
        InputError: it is none.
    """
    try:
        address = ipaddress.ip_address(str(text))
    except ValueError:
        raise InputError(f"{where}: {text!r} is not an IP address") from None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


@lru_cache(maxsize=65_536)
def read_network(text: str, where: str) -> Network:
    """Read a CIDR; host bits are cut off as the API server's legacy parser does (specs b1.7).

    Raises:
        InputError: it is none, in the words of the API server.
    """
    try:
        if "/" not in text:
            raise ValueError(text)
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise InputError(f'{where}: Invalid value: "{text}": must be a valid CIDR value') from None


MISSHAPEN = (AttributeError, TypeError, KeyError, ValueError)
"""What reading an object raises that is not shaped as its API says: a list for an object, a text for a list."""


def as_object(value: Any) -> dict[str, Any]:
    """Return an object as it was read, an empty one where nothing is.

    Raises:
        TypeError: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"an object is expected, not {type(value).__name__}")
    return value


def misshapen(raw: Any, error: Exception) -> InputError:
    """Return the error that names an object which is not shaped as its API says."""
    metadata = raw.get("metadata") if isinstance(raw, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else ""
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else ""
    where = f"{namespace}/{name}" if namespace else f"{name}"
    kind = raw.get("kind") if isinstance(raw, dict) else "object"
    return InputError(
        f"{kind} {where}: it is not shaped as its API says: {error}",
        hint="kubectl apply --dry-run=server names the field",
    )


def read_pod(raw: dict[str, Any], template: dict[str, Any] | None = None) -> Pod:
    """Read a Pod, or the pod of a workload (`template`, whose labels and spec count).

    Raises:
        InputError: it is not shaped as a pod.
    """
    try:
        return _read_pod(raw, template)
    except MISSHAPEN as error:
        raise misshapen(raw, error) from None


def _read_pod(raw: dict[str, Any], template: dict[str, Any] | None) -> Pod:
    metadata = raw.get("metadata") or {}
    spec = (template or raw).get("spec") or {}
    labels = ((template or raw).get("metadata") or {}).get("labels") or {}
    status = raw.get("status") or {} if template is None else {}
    texts = [item.get("ip") for item in status.get("podIPs") or [] if isinstance(item, dict)]
    texts = [text for text in texts if text] or ([status["podIP"]] if status.get("podIP") else [])
    hosts = [item.get("ip") for item in status.get("hostIPs") or [] if isinstance(item, dict)]
    hosts = [text for text in hosts if text] or ([status["hostIP"]] if status.get("hostIP") else [])
    ports: dict[tuple[str, str], set[int]] = {}
    containers = [*(spec.get("containers") or [])]
    # A sidecar (an init container that is always restarted) serves ports too (specs b1.6).
    containers += [item for item in spec.get("initContainers") or [] if item.get("restartPolicy") == "Always"]
    for container in containers:
        for port in container.get("ports") or []:
            number = port.get("containerPort")
            if port.get("name") and isinstance(number, int):
                key = (str(port["name"]), str(port.get("protocol") or "TCP"))
                ports.setdefault(key, set()).add(number)
    name = str(metadata.get("name") or "")
    return Pod(
        namespace=str(metadata.get("namespace") or "default"),
        name=name,
        labels={str(key): str(value) for key, value in labels.items()},
        addresses=tuple(read_address(text, f"pod {name}") for text in texts),
        node_addresses=tuple(read_address(text, f"pod {name}") for text in hosts),
        host=spec.get("hostNetwork") is True,
        ports={key: frozenset(numbers) for key, numbers in ports.items()},
        account=account_of(spec),
    )


def account_of(spec: dict[str, Any]) -> str:
    """Return the service account of a pod's spec: the API server gives "default" to who names none."""
    return str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default")
