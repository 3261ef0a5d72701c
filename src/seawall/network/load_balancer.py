"""What AKS writes into the network security group for a Service of type LoadBalancer (specs b7).

Reproduces the access control of kubernetes-sigs/cloud-provider-azure (pkg/provider/loadbalancer and
securitygroup, 7b31c76c): one reconciliation is clean, add, retain, and rules without a destination vanish.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import Any

import msgspec

from seawall.core import InputError

PREFIX = "k8s-azure-lb"
LOWEST, HIGHEST = 500, 4096
MOST_RULES, MOST_PREFIXES = 1000, 4000

_BETA = "service.beta.kubernetes.io/"
INTERNAL = f"{_BETA}azure-load-balancer-internal"
TAGS = f"{_BETA}azure-allowed-service-tags"
RANGES = f"{_BETA}azure-allowed-ip-ranges"
SOURCE_RANGES = f"{_BETA}load-balancer-source-ranges"
DENY_ALL = f"{_BETA}azure-deny-all-except-load-balancer-source-ranges"
NO_FLOATING = f"{_BETA}azure-disable-load-balancer-floating-ip"
NO_RULES = f"{_BETA}azure-disable-load-balancer-nsg-rule"
MORE_IPS = f"{_BETA}azure-additional-public-ips"

BOTH_LISTS = f"cannot set both spec.LoadBalancerSourceRanges and service annotation {RANGES}"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_CIDR = re.compile(r"[0-9a-fA-F:.]+/(?:0|[1-9][0-9]*)")
_PROTOCOLS = (("TCP", "Tcp"), ("UDP", "Udp"), ("SCTP", "*"))


class Access(msgspec.Struct, frozen=True):
    """What a Service asks for: ranges, tags, and what follows from them."""

    ranges: tuple[Network, ...]
    tags: tuple[str, ...]
    events: tuple[str, ...]
    from_internet: bool
    deny_all: bool
    error: str = ""


def read_access(service: dict[str, Any]) -> Access:
    """Read the ranges and tags of a Service, and whether the Internet may come in."""
    annotations = (service.get("metadata") or {}).get("annotations") or {}
    spec_ranges, spec_bad = _prefixes((service.get("spec") or {}).get("loadBalancerSourceRanges") or [])
    texts = [
        item
        for key in (RANGES, SOURCE_RANGES)
        if key in annotations
        for item in str(annotations[key]).strip().split(",")
    ]
    own_ranges, own_bad = _prefixes(texts)
    tags = tuple(item.strip() for item in str(annotations.get(TAGS, "")).split(",") if item.strip())
    events = []
    if spec_bad:
        events.append("InvalidSourceRanges")
    if own_bad:
        events.append("InvalidAllowedIPRanges")
    if spec_ranges and own_ranges:
        return Access((), (), tuple(events), False, False, BOTH_LISTS)
    if spec_ranges and tags:
        events.append("ConflictConfiguration")
    ranges = spec_ranges or own_ranges
    bad = bool(spec_bad or own_bad)
    internal = _true(annotations.get(INTERNAL))
    open_to_all = not ranges or any(item.prefixlen == 0 for item in ranges)
    return Access(
        ranges=tuple(ranges),
        tags=tags,
        events=tuple(events),
        from_internet=not tags and not bad and open_to_all and (not internal or bool(ranges)),
        deny_all=(_true(annotations.get(DENY_ALL)) and bool(ranges)) or bad,
    )


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def _prefixes(texts: list[Any]) -> tuple[list[Network], list[str]]:
    """Split texts into masked CIDRs and what is none: a bare address or host bits are none (b7.1)."""
    good: list[Network] = []
    bad: list[str] = []
    for item in texts:
        text = str(item).strip()
        try:
            if not _CIDR.fullmatch(text):
                raise ValueError(text)
            good.append(ipaddress.ip_network(text))
        except ValueError:
            bad.append(text)
    return good, bad


class SecurityGroup:
    """The rules of a group under reconciliation. Rules that are not managed are never touched (b7.8)."""

    def __init__(self, rules: list[dict[str, Any]]) -> None:
        self.rules: list[dict[str, Any]] = [
            {**rule, "properties": dict(rule.get("properties") or {})} for rule in rules
        ]

    def managed(self) -> list[dict[str, Any]]:
        """Return the rules that the controller owns: its name and its priorities."""
        return [
            rule
            for rule in self.rules
            if str(rule.get("name") or "").startswith(PREFIX)
            and LOWEST <= int(rule["properties"].get("priority") or 0) <= HIGHEST
        ]

    def remove(self, protocol: str, addresses: frozenset[str], keep: list[str]) -> None:
        """Take destinations out of the managed rules of a protocol, but for ports that others still need."""
        for rule in self.managed():
            body = rule["properties"]
            if body.get("protocol") != protocol:
                continue
            current = destinations(body)
            gone = [item for item in current if item.lower() in addresses]
            if not gone:
                continue
            ports = _ports(body)
            # The deny-all rule names every port: it stays while another Service needs any port there. A port
            # that two Services need is named twice in `keep`, and the controller keeps it twice.
            kept = ports if keep and "*" in ports else sorted(item for item in keep if item in ports)
            if kept and len(kept) == len(ports):
                continue
            _set_destinations(body, [item for item in current if item.lower() not in addresses])
            if kept:
                self.allow(protocol, family_of(gone[0]), sources(body), kept, gone)

    def allow(
        self, protocol: str, family: str, source: list[str], ports: list[str], targets: list[str]
    ) -> None:
        """Add destinations to the rule of these sources and ports, which all Services share (b7.5)."""
        ordered = sorted(source)
        digest = hashlib.md5(  # noqa: S324 - the name that AKS gives, not a protection
            f"{protocol}_{','.join(ordered)}_{','.join(sorted(ports))}".encode()
        ).hexdigest()
        name = f"{PREFIX}_allow_{family}_{digest}"
        rule = self._find(name)
        if rule is None:
            rule = {
                "name": name,
                "properties": {
                    "access": "Allow",
                    "direction": "Inbound",
                    "priority": self._free(range(LOWEST, HIGHEST)),
                    "protocol": protocol,
                    "sourcePortRange": "*",
                    "destinationPortRanges": sorted(ports),
                    **(
                        {"sourceAddressPrefix": ordered[0]}
                        if len(ordered) == 1
                        else {"sourceAddressPrefixes": ordered}
                    ),
                },
            }
            self.rules.append(rule)
        body = rule["properties"]
        _set_destinations(body, [*destinations(body), *targets])

    def deny_all(self, family: str, targets: list[str]) -> None:
        """Add destinations to the rule that denies what no other rule allows (b7.6: from 4095 down)."""
        name = f"{PREFIX}_deny-all_{family}"
        rule = self._find(name)
        if rule is None:
            rule = {
                "name": name,
                "properties": {
                    "access": "Deny",
                    "direction": "Inbound",
                    "priority": self._free(range(HIGHEST - 1, LOWEST - 1, -1)),
                    "protocol": "*",
                    "sourcePortRange": "*",
                    "sourceAddressPrefix": "*",
                    "destinationPortRange": "*",
                },
            }
            self.rules.append(rule)
        body = rule["properties"]
        _set_destinations(body, [*destinations(body), *targets])

    def retain(self, owned: frozenset[str]) -> None:
        """Drop destinations that no Service and no node owns."""
        for rule in self.managed():
            body = rule["properties"]
            current = destinations(body)
            left = [item for item in current if item.lower() in owned]
            if len(left) != len(current):
                _set_destinations(body, left)

    def finish(self) -> list[dict[str, Any]]:
        """Return the rules in the order of their priority, without those that have no destination left.

        Raises:
            InputError: more rules or prefixes than a group holds (b7.7).
        """
        managed = {id(rule) for rule in self.managed()}
        left = [rule for rule in self.rules if id(rule) not in managed or destinations(rule["properties"])]
        left.sort(key=lambda rule: int(rule["properties"].get("priority") or 0))
        if len(left) > MOST_RULES:
            raise InputError("exceeds the maximum number of security rules")
        for read, what in ((sources, "source"), (destinations, "destination")):
            if sum(len(read(rule["properties"])) for rule in left) > MOST_PREFIXES:
                raise InputError(f"exceeds the maximum number of {what} IP addresses")
        return left

    def _find(self, name: str) -> dict[str, Any] | None:
        return next((rule for rule in self.rules if str(rule.get("name")).lower() == name.lower()), None)

    def _free(self, wanted: range) -> int:
        taken = {int(rule["properties"].get("priority") or 0) for rule in self.rules}
        for priority in wanted:
            if priority not in taken:
                return priority
        raise InputError("no available priority for a new security rule")


def destinations(body: dict[str, Any]) -> list[str]:
    """Return the destination prefixes of a rule, of whichever field."""
    return _values(body, "destinationAddressPrefix", "destinationAddressPrefixes")


def sources(body: dict[str, Any]) -> list[str]:
    """Return the source prefixes of a rule, of whichever field."""
    return _values(body, "sourceAddressPrefix", "sourceAddressPrefixes")


def _ports(body: dict[str, Any]) -> list[str]:
    return _values(body, "destinationPortRange", "destinationPortRanges")


def _values(body: dict[str, Any], singular: str, plural: str) -> list[str]:
    if body.get(plural):
        return [str(item) for item in body[plural]]
    return [str(body[singular])] if body.get(singular) else []


def _set_destinations(body: dict[str, Any], values: list[str]) -> None:
    """Write destinations as the controller does: sorted, once each, one of them in the singular field."""
    body.pop("destinationAddressPrefix", None)
    body.pop("destinationAddressPrefixes", None)
    unique = sorted(set(values))
    if len(unique) == 1:
        body["destinationAddressPrefix"] = unique[0]
    elif unique:
        body["destinationAddressPrefixes"] = unique


def family_of(address: str) -> str:
    """Return IPv6 for what holds a colon, else IPv4."""
    return "IPv6" if ":" in address else "IPv4"


def reconcile(operation: dict[str, Any]) -> dict[str, Any]:
    """Run one operation on a Service: `rules`, `service`, `wantLb`, `dstIPs`, `retainPorts`, `retainDestinations`.

    Returns `error`, `events`, `changed`, `resultRules`, and what the Service asked for.
    """
    before = operation.get("rules") or []
    service = operation.get("service")
    if not isinstance(service, dict) or not isinstance(before, list):
        raise InputError("an operation has `service` (a Service) and `rules` (security rules)")
    access = read_access(service)
    answer: dict[str, Any] = {
        "error": access.error,
        "events": list(access.events) or None,
        "changed": False,
        "allowFromInternet": access.from_internet,
        "denyAllExceptSourceRanges": access.deny_all,
        "resultRules": before,
    }
    if access.error:
        # The controller stops before it has rules to show; those of the group stay as they are.
        return {**answer, "resultRules": None}
    targets = [str(item) for item in operation.get("dstIPs") or []]
    group = SecurityGroup(before)
    try:
        keep = operation.get("retainPorts") or {}
        for _, protocol in _PROTOCOLS:
            ports = [str(port) for port in keep.get(protocol) or ()]
            group.remove(protocol, frozenset(item.lower() for item in targets), ports)
        annotations = (service.get("metadata") or {}).get("annotations") or {}
        if operation.get("wantLb") and not _true(annotations.get(NO_RULES)):
            _add(group, service, access, targets)
        owned = operation.get("retainDestinations")
        if owned is not None:
            group.retain(frozenset(str(item).lower() for item in owned))
        after = group.finish()
    except InputError as error:
        return {**answer, "error": error.message, "resultRules": None}
    answer["resultRules"] = after
    answer["changed"] = _canonical(after) != _canonical(before)
    return answer


def _add(group: SecurityGroup, service: dict[str, Any], access: Access, targets: list[str]) -> None:
    annotations = (service.get("metadata") or {}).get("annotations") or {}
    by_node = _true(annotations.get(NO_FLOATING))
    more = [item.strip() for item in str(annotations.get(MORE_IPS, "")).split(",") if item.strip()]
    everything = targets if by_node else list(dict.fromkeys([*targets, *more]))
    by_family = {
        family: [item for item in everything if family_of(item) == family] for family in ("IPv4", "IPv6")
    }
    tags = list(access.tags)
    if access.from_internet and not access.ranges:
        tags.append("Internet")
    ports = (service.get("spec") or {}).get("ports") or []
    for protocol, written in _PROTOCOLS:
        numbers = [
            str(port.get("nodePort") if by_node else port.get("port"))
            for port in ports
            if str(port.get("protocol") or "TCP") == protocol
        ]
        if not numbers:
            continue
        unique = sorted(set(numbers))
        for family, version in (("IPv4", 4), ("IPv6", 6)):
            here = by_family[family]
            if not here:
                continue
            for tag in tags:
                group.allow(written, family, [tag], unique, here)
            # Adjacent halves become one range before the name is made of them (b7.4).
            own = [item for item in access.ranges if item.version == version]
            merged = [str(item) for item in ipaddress.collapse_addresses(own)] if own else []  # type: ignore[type-var]
            if merged:
                group.allow(written, family, merged, unique, here)
    if access.deny_all:
        for family, here in by_family.items():
            if here:
                group.deny_all(family, here)


def _canonical(rules: list[dict[str, Any]]) -> bytes:
    """Return rules as bytes that do not hang on their order or the order of their fields."""
    encoded = [
        msgspec.json.encode({"name": rule.get("name"), **(rule.get("properties") or {})}, order="sorted")
        for rule in rules
    ]
    return b"\n".join(sorted(encoded))


class LoadBalancerEngine:
    """The engine `load-balancer-rules`: a line is a whole operation, there is no world."""

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        """Take note of a world: operations carry all they need."""
        return {"objects": len(world.get("objects", ()))}

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """Answer one operation."""
        return reconcile(line)
