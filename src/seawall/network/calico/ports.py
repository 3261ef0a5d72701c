"""Protocols, ports and ICMP of a Calico rule as ranges that both engines compare with (specs b3)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from seawall.core import InputError
from seawall.network.model import ECHO, NUMBERED, PROTOCOLS, protocol_name
from seawall.network.rules import PortMatch

_NAMES = frozenset(NUMBERED.values())
_RANGE = re.compile(r"([0-9]{1,9}):([0-9]{1,9})")
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}")
_PORTS_NEED = "ports are allowed only where the protocol is TCP, UDP or SCTP"


def read_protocol(value: Any, where: str) -> str:
    """Read a protocol by name or number.

    Raises:
        InputError: it is none that rules may name.
    """
    name = protocol_name(value)
    if isinstance(value, bool) or not (name in _NAMES or (name.isdigit() and 1 <= int(name) <= 255)):
        raise InputError(f"{where}: Invalid value: {value!r}: protocol name or number invalid")
    return name


def read_ports(rule: dict[str, Any], destination: dict[str, Any], where: str) -> tuple[PortMatch, ...] | None:
    """Return what protocol, notProtocol, ports, notPorts, icmp and notICMP of a rule let in; None for everything.

    Raises:
        InputError: a value that Calico refuses.
    """
    protocol = None if rule.get("protocol") is None else read_protocol(rule["protocol"], f"{where}.protocol")
    less: list[PortMatch] = []
    if rule.get("notProtocol") is not None:
        less.append(PortMatch(read_protocol(rule["notProtocol"], f"{where}.notProtocol")))
    ports, not_ports = destination.get("ports") or [], destination.get("notPorts") or []
    if (ports or not_ports) and protocol not in PROTOCOLS:
        raise InputError(f"{where}.destination.ports: {_PORTS_NEED}")
    less += [
        read_port(item, protocol, f"{where}.destination.notPorts[{n}]") for n, item in enumerate(not_ports)
    ]
    kept = [PortMatch(protocol)]
    if ports:
        kept = [read_port(item, protocol, f"{where}.destination.ports[{n}]") for n, item in enumerate(ports)]
    if rule.get("icmp") is not None:
        kept = [_icmp(rule["icmp"], protocol, f"{where}.icmp")]
    if rule.get("notICMP") is not None:
        less.append(_icmp(rule["notICMP"], protocol, f"{where}.notICMP"))
    if protocol is None and not less:
        return None
    return tuple(msgspec.structs.replace(item, less=tuple(less)) if less else item for item in kept)


def read_port(value: Any, protocol: str | None, where: str) -> PortMatch:
    """Read a port: a number, a range as low:high, or a name.

    Raises:
        InputError: it is none.
    """
    text = str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return PortMatch(protocol, _number(value, where), _number(value, where))
    if text.isdigit() and len(text) < 10:
        return PortMatch(protocol, _number(int(text), where), _number(int(text), where))
    span = _RANGE.fullmatch(text)
    if span:
        low, high = _number(int(span[1]), where), _number(int(span[2]), where)
        if low > high:
            raise InputError(f"{where}: Invalid value: {text}: port range invalid")
        return PortMatch(protocol, low, high)
    if not _NAME.fullmatch(text) or isinstance(value, bool):
        raise InputError(f"{where}: Invalid value: {text!r}: no port, no range and no name of a port")
    return PortMatch(protocol, name=text)


def _number(value: int, where: str) -> int:
    if not 1 <= value <= 65_535:
        raise InputError(f"{where}: Invalid value: {value}: port number must be between 1 and 65535")
    return value


def _icmp(value: Any, protocol: str | None, where: str) -> PortMatch:
    if protocol not in ECHO:
        raise InputError(f"{where}: it needs protocol ICMP or ICMPv6")
    if not isinstance(value, dict):
        raise InputError(f"{where}: it is an object of type and code")
    kind, code = value.get("type"), value.get("code")
    for name, number, most in (("type", kind, 254), ("code", code, 255)):
        if number is not None and (
            not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= most
        ):
            raise InputError(f"{where}.{name}: Invalid value: {number!r}: must be between 0 and {most}")
    if kind is None:
        if code is not None:
            raise InputError(f"{where}.code: a code needs a type")
        return PortMatch(protocol)
    if code is None:
        return PortMatch(protocol, kind << 8, kind << 8 | 255)
    return PortMatch(protocol, kind << 8 | code, kind << 8 | code)
