"""Azure Firewall by name: which names a cluster may call through it (specs b8; azure-docs firewall rule processing).

Collections are asked by priority, those of a policy by the priority of their group first; the first application rule
that names the caller, the name and the port decides, and what none names is denied. Network rules that hold names
are asked before.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.network.model import read_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seawall.network.model import Address

FIREWALL = "microsoft.network/azurefirewalls"
GROUPS = "microsoft.network/firewallpolicies/rulecollectiongroups"
AKS_TAG = "azurekubernetesservice"
"""The FQDN tag that holds what AKS needs (outbound-rules-control-egress.md)."""


class NameRule(msgspec.Struct, frozen=True):
    """A rule that allows or denies names on ports to some callers; `sources` None where they were not read."""

    name: str
    allow: bool
    order: tuple[int, int, int]
    sources: tuple[str, ...] | None
    names: tuple[str, ...]
    tags: tuple[str, ...]
    ports: tuple[tuple[int, int], ...]


class Firewall(msgspec.Struct, frozen=True):
    """A firewall: its private addresses, and its rules by name in the order in which they are asked."""

    row: dict[str, Any]
    addresses: tuple[Address, ...]
    rules: tuple[NameRule, ...]
    whole: bool

    def allows(self, source: Address, name: str, port: int) -> tuple[bool | None, str]:
        """Return whether a caller may call a name, and the rule; None where something needed was not read."""
        for rule in self.rules:
            meant = _meets(rule, source, name, port)
            if meant is None:
                return None, rule.name
            if meant:
                return rule.allow, rule.name
        return (False, "") if self.whole else (None, "its policy was not read")


def read_firewalls(rows: Iterable[dict[str, Any]]) -> list[Firewall]:
    """Return the firewalls of a snapshot with the rules of their policies."""
    listed = list(rows)
    found = []
    for row in listed:
        if str(row.get("type") or "").lower() != FIREWALL:
            continue
        body = row.get("properties") or {}
        rules = list(_own_rules(body))
        policy = str((body.get("firewallPolicy") or {}).get("id") or "").lower()
        groups = [item for item in listed if policy and _is_of(item, policy)]
        for group in groups:
            rules += _policy_rules(group.get("properties") or {})
        addresses = tuple(
            read_address(address, f"firewall {row.get('name')}")
            for item in body.get("ipConfigurations") or []
            if (address := (item.get("properties") or {}).get("privateIPAddress"))
        )
        order = sorted(rules, key=lambda item: item.order)
        found.append(Firewall(row, addresses, tuple(order), not policy or bool(groups)))
    return found


def _is_of(row: dict[str, Any], policy: str) -> bool:
    return str(row.get("type") or "").lower() == GROUPS and str(row.get("id") or "").lower().startswith(
        f"{policy}/"
    )


def _own_rules(body: dict[str, Any]) -> Iterator[NameRule]:
    """Yield the rules of a firewall without a policy: network rules with names, then application rules."""
    for stage, field in enumerate(("networkRuleCollections", "applicationRuleCollections")):
        for collection in body.get(field) or []:
            inner = collection.get("properties") or {}
            order = (stage, 0, int(inner.get("priority") or 0))
            yield from _collection(inner, order)


def _policy_rules(group: dict[str, Any]) -> Iterator[NameRule]:
    for collection in group.get("ruleCollections") or []:
        priorities = int(group.get("priority") or 0), int(collection.get("priority") or 0)
        yield from _collection(collection, (0, *priorities))


def _collection(collection: dict[str, Any], order: tuple[int, int, int]) -> Iterator[NameRule]:
    allow = str((collection.get("action") or {}).get("type") or "").lower() == "allow"
    for rule in collection.get("rules") or []:
        kind = str(rule.get("ruleType") or "").lower()
        application = kind == "applicationrule" or (
            not kind and "protocols" in rule and "destinationPorts" not in rule
        )
        names = rule.get("targetFqdns") if application else rule.get("destinationFqdns")
        tags = rule.get("fqdnTags") or []
        if not names and not tags:
            continue
        ports = [item.get("port") for item in rule.get("protocols") or [] if isinstance(item, dict)]
        if not application:
            ports = list(rule.get("destinationPorts") or [])
        groups = rule.get("sourceIpGroups")
        yield NameRule(
            name=str(rule.get("name") or ""),
            allow=allow,
            # Network rules are asked before application rules, whatever their priority.
            order=(1 if application else 0, *order[1:]),
            sources=None if groups else tuple(map(str, rule.get("sourceAddresses") or ["*"])),
            names=tuple(str(item).lower() for item in names or []),
            tags=tuple(str(item).lower() for item in tags),
            ports=tuple(_span(text) for text in ports),
        )


def _span(text: Any) -> tuple[int, int]:
    """Return a port or a range as low and high; what is neither is a range that holds no port."""
    value = str(text)
    if value == "*":
        return 0, 65_535
    low, dash, high = value.partition("-")
    if not (low.isdigit() and len(low) < 6 and (not dash or (high.isdigit() and len(high) < 6))):
        return 1, 0
    return int(low), int(high) if dash else int(low)


def _meets(rule: NameRule, source: Address, name: str, port: int) -> bool | None:
    if rule.ports and not any(low <= port <= high for low, high in rule.ports):
        return False
    if not any(covers(held, name) for held in rule.names) and AKS_TAG not in rule.tags:
        return False
    return None if rule.sources is None else any(_is_source(item, source) for item in rule.sources)


def _is_source(text: str, source: Address) -> bool:
    if text == "*":
        return True
    try:
        if "-" in text:
            first, _, last = text.partition("-")
            return int(ipaddress.ip_address(first)) <= int(source) <= int(ipaddress.ip_address(last))
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return network.version == source.version and source in network


def covers(held: str, name: str) -> bool:
    """Tell whether a name of a rule holds all of another: `*.x` every name that ends so, `*` every name."""
    held, name = held.lower(), name.lower()
    if held in {"*", name}:
        return True
    return held.startswith("*.") and name.removeprefix("*").endswith(held[1:])
