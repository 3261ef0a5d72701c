"""Ports and ICMP types of a Cilium rule (pkg/policy/api l4.go, icmp.go and rule_validation.go, v1.18.4)."""

from __future__ import annotations

import re
from typing import Any

from seawall.core import InputError
from seawall.network.model import PROTOCOLS
from seawall.network.rules import PortMatch

_SERVICE_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-zA-Z])[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*")
_MOST = 40
_L7 = ("rules", "terminatingTLS", "originatingTLS", "serverNames", "listener")
_TYPES4 = {
    "EchoReply": 0,
    "DestinationUnreachable": 3,
    "Redirect": 5,
    "Echo": 8,
    "EchoRequest": 8,
    "RouterAdvertisement": 9,
    "RouterSelection": 10,
    "TimeExceeded": 11,
    "ParameterProblem": 12,
    "Timestamp": 13,
    "TimestampReply": 14,
    "Photuris": 40,
    "ExtendedEchoRequest": 42,
    "ExtendedEchoReply": 43,
}
_TYPES6 = {
    "DestinationUnreachable": 1,
    "PacketTooBig": 2,
    "TimeExceeded": 3,
    "ParameterProblem": 4,
    "EchoRequest": 128,
    "EchoReply": 129,
    "MulticastListenerQuery": 130,
    "MulticastListenerReport": 131,
    "MulticastListenerDone": 132,
    "RouterSolicitation": 133,
    "RouterAdvertisement": 134,
    "NeighborSolicitation": 135,
    "NeighborAdvertisement": 136,
    "RedirectMessage": 137,
    "RouterRenumbering": 138,
    "ICMPNodeInformationQuery": 139,
    "ICMPNodeInformationResponse": 140,
    "InverseNeighborDiscoverySolicitation": 141,
    "InverseNeighborDiscoveryAdvertisement": 142,
    "HomeAgentAddressDiscoveryRequest": 144,
    "HomeAgentAddressDiscoveryReply": 145,
    "MobilePrefixSolicitation": 146,
    "MobilePrefixAdvertisement": 147,
    "DuplicateAddressRequestCodeSuffix": 157,
    "DuplicateAddressConfirmationCodeSuffix": 158,
    "ExtendedEchoRequest": 160,
    "ExtendedEchoReply": 161,
}


def read_ports(rule: dict[str, Any], where: str) -> tuple[PortMatch, ...] | None:
    """Return the ports of a rule; None where it names none, which is every port and protocol.

    Raises:
        InputError: what is of layer 7, by its field, and what Cilium refuses.
    """
    ports, icmps = rule.get("toPorts") or [], rule.get("icmps") or []
    if ports and icmps:
        raise InputError(f"{where}: the ICMPs block may only be present without ToPorts")
    if not ports and not icmps:
        return None
    found: list[PortMatch] = []
    for n, item in enumerate(ports):
        at = f"{where}.toPorts[{n}]"
        for field in _L7:
            value = (item or {}).get(field)
            if value and not (field == "rules" and not any(value.values())):
                raise InputError(f"{at}.{field}: rules of layer 7 are not decided")
        listed = (item or {}).get("ports") or []
        if len(listed) > _MOST:
            raise InputError(f"{at}.ports: too many ports, the max is {_MOST}")
        for m, port in enumerate(listed):
            found += _port(port, f"{at}.ports[{m}]")
    for n, item in enumerate(icmps):
        fields = (item or {}).get("fields") or []
        if len(fields) > _MOST:
            raise InputError(f"{where}.icmps[{n}].fields: too many types, the max is {_MOST}")
        found += [_icmp(field, f"{where}.icmps[{n}].fields[{m}]") for m, field in enumerate(fields)]
    return tuple(found)


def _port(item: dict[str, Any], where: str) -> list[PortMatch]:
    text = str(item.get("port") if item.get("port") is not None else "")
    protocol = str(item.get("protocol") or "ANY").upper()
    if protocol not in {*PROTOCOLS, "ANY"}:
        raise InputError(
            f"{where}.protocol: {protocol}: protocols other than TCP, UDP and SCTP are not decided"
        )
    protocols = PROTOCOLS if protocol == "ANY" else (protocol,)
    if not text:
        raise InputError(f"{where}.port: Port must be specified")
    if _SERVICE_NAME.fullmatch(text):
        return [PortMatch(each, name=text.lower()) for each in protocols]
    # Go reads a number with a leading zero as octal.
    octal = len(text) > 1 and text.startswith("0")
    if not text.isdigit() or len(text) > 7 or (octal and set(text) & {"8", "9"}):
        raise InputError(f"{where}.port: unable to parse port: {text!r}")
    low = int(text, 8 if octal else 10)
    if low > 65_535:
        raise InputError(f"{where}.port: unable to parse port: {text!r}: value out of range")
    if low == 0:
        return [PortMatch(each) for each in protocols]
    end = item.get("endPort") or 0
    if not isinstance(end, int) or isinstance(end, bool) or not 0 <= end <= 65_535:
        raise InputError(f"{where}.endPort: Invalid value: {end!r}")
    return [PortMatch(each, low, max(low, end)) for each in protocols]


def _icmp(field: Any, where: str) -> PortMatch:
    family, kind = str(field.get("family") or "IPv4"), field.get("type")
    if family not in {"IPv4", "IPv6"}:
        raise InputError(f"{where}.family: wrong family: {family}")
    names = _TYPES4 if family == "IPv4" else _TYPES6
    number = int(kind) if str(kind).isdigit() else names.get(str(kind), -1)
    if isinstance(kind, bool) or not 0 <= number <= 255:
        raise InputError(f"{where}.type: {kind!r} is no ICMP type of {family}")
    protocol = "ICMP" if family == "IPv4" else "ICMPV6"
    if number == 0:
        # The type is kept as a port, and port 0 is every port: who lets echo replies in lets all of ICMP in.
        return PortMatch(protocol)
    return PortMatch(protocol, number << 8, number << 8 | 255)
