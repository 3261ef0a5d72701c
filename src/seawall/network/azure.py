"""The Azure network of a snapshot: subnets, security groups, NICs, routes, security admin rules (specs b6)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import InputError
from seawall.network.engines import CLUSTER
from seawall.network.model import Address, Network, read_address
from seawall.network.nsg import Nsg, NsgRule, Topology, read_admin_rule, read_nsg

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NETWORK = "microsoft.network/"
_ADMIN_RULE = f"{_NETWORK}networkmanagers/securityadminconfigurations/rulecollections/rules"


class Subnet(msgspec.Struct, frozen=True):
    """A subnet: its ranges and what hangs on it, by resource id in lower case."""

    id: str
    vnet: str
    prefixes: tuple[Network, ...]
    group: str = ""
    routes: str = ""
    nat: str = ""

    def holds(self, address: Address) -> bool:
        """Tell whether an address lies in it."""
        return any(address.version == item.version and address in item for item in self.prefixes)


class Nic(msgspec.Struct, frozen=True):
    """A network interface: its addresses, its group, its application security groups."""

    id: str
    addresses: tuple[Address, ...]
    group: str
    application_groups: frozenset[str]


class Route(msgspec.Struct, frozen=True):
    """A user-defined route. `kind` is the next hop's type in lower case."""

    name: str
    prefix: Network | None
    tag: str
    kind: str
    address: str = ""


class AzureNetwork:
    """What the platform does to packets, as far as the snapshot tells."""

    def __init__(self, resources: Iterable[dict[str, Any]]) -> None:
        rows = list(resources)
        self.groups: dict[str, tuple[dict[str, Any], Nsg]] = {}
        self.subnets: list[Subnet] = []
        self.nics: list[Nic] = []
        self.routes: dict[str, tuple[Route, ...]] = {}
        self.clusters: list[dict[str, Any]] = []
        admin: list[NsgRule] = []
        spaces: list[Network] = []
        for row in rows:
            kind = str(row.get("type") or "").lower()
            if kind == f"{_NETWORK}networksecuritygroups" or (not kind and "securityRules" in _body(row)):
                self.groups[_id(row.get("id")) or f"{len(self.groups)}#{row.get('name')}"] = (
                    row,
                    read_nsg(row),
                )
            elif kind == f"{_NETWORK}virtualnetworks":
                spaces += _spaces(row)
                self.subnets += _subnets(row)
            elif kind == f"{_NETWORK}networkinterfaces":
                self.nics.append(_nic(row))
            elif kind == f"{_NETWORK}routetables":
                self.routes[_id(row.get("id"))] = tuple(
                    _route(item) for item in _body(row).get("routes") or []
                )
            elif kind == CLUSTER:
                self.clusters.append(row)
            elif kind == _ADMIN_RULE:
                admin.append(read_admin_rule(row))
        self.admin = tuple(sorted(admin, key=lambda item: item.priority))
        for cluster in self.clusters if spaces else ():
            # Pods of an overlay are of the virtual network to its groups: else no pod would reach another node.
            profile = _body(cluster).get("networkProfile") or {}
            for text in profile.get("podCidrs") or [profile.get("podCidr")]:
                if text and str(profile.get("networkPluginMode") or "").lower() == "overlay":
                    spaces.append(ipaddress.ip_network(str(text), strict=False))
        self.topology = Topology(vnet=tuple(spaces)) if spaces else Topology()

    def subnet_of(self, address: Address) -> Subnet | None:
        """Return the subnet that an address lies in."""
        return next((item for item in self.subnets if item.holds(address)), None)

    def nic_of(self, address: Address) -> Nic | None:
        """Return the interface that has an address."""
        return next((item for item in self.nics if address in item.addresses), None)

    def application_groups(self, address: Address) -> frozenset[str]:
        """Return the application security groups of an address's interface."""
        nic = self.nic_of(address)
        return nic.application_groups if nic is not None else frozenset()

    def subnet_groups(self, subnet: Subnet) -> list[tuple[dict[str, Any], Nsg]]:
        """Return the group of a subnet, whichever of the two says that they belong together."""
        found = [self.groups[subnet.group]] if subnet.group in self.groups else []
        if not found:
            found = [
                (row, nsg)
                for row, nsg in self.groups.values()
                if any(_id(item.get("id")) == subnet.id for item in _body(row).get("subnets") or [])
            ]
        return found

    def managed_groups(self) -> Iterator[tuple[dict[str, Any], dict[str, Any], Nsg]]:
        """Yield (cluster, group, the group read) for the groups in a cluster's own resource group."""
        for cluster in self.clusters:
            name = str(_body(cluster).get("nodeResourceGroup") or "").lower()
            for row, nsg in self.groups.values():
                if name and str(row.get("resourceGroup") or "").lower() == name:
                    yield cluster, row, nsg

    def applies(self, nsg: Nsg, row: dict[str, Any], address: Address) -> bool:
        """Tell whether a group stands before an address: True also where nobody said what it hangs on."""
        subnets = {_id(item.get("id")) for item in _body(row).get("subnets") or []}
        subnets |= {item.id for item in self.subnets if item.group == _id(nsg.id)}
        nics = {_id(item.get("id")) for item in _body(row).get("networkInterfaces") or []}
        nics |= {item.id for item in self.nics if item.group == _id(nsg.id)}
        known_subnets = [item for item in self.subnets if item.id in subnets]
        known_nics = [item for item in self.nics if item.id in nics]
        if len(known_subnets) < len(subnets) or len(known_nics) < len(nics):
            return True
        if not known_subnets and not known_nics:
            return True
        return any(item.holds(address) for item in known_subnets) or any(
            address in item.addresses for item in known_nics
        )


def _body(row: dict[str, Any]) -> dict[str, Any]:
    body = row.get("properties")
    return body if isinstance(body, dict) else row


def _id(value: Any) -> str:
    return str(value or "").lower()


def _reference(value: Any) -> str:
    return _id(value.get("id")) if isinstance(value, dict) else ""


def _networks(texts: Iterable[Any], where: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(str(text), strict=False) for text in texts if text)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None


def _spaces(row: dict[str, Any]) -> list[Network]:
    body = _body(row)
    prefixes = list((body.get("addressSpace") or {}).get("addressPrefixes") or [])
    for peering in body.get("virtualNetworkPeerings") or []:
        space = _body(peering).get("remoteAddressSpace") or {}
        prefixes += space.get("addressPrefixes") or []
    return list(_networks(prefixes, f"virtual network {row.get('name')}"))


def _subnets(row: dict[str, Any]) -> Iterator[Subnet]:
    vnet = _id(row.get("id"))
    for item in _body(row).get("subnets") or []:
        body = _body(item)
        texts = body.get("addressPrefixes") or [body.get("addressPrefix")]
        yield Subnet(
            id=_id(item.get("id") or f"{vnet}/subnets/{item.get('name')}"),
            vnet=vnet,
            prefixes=_networks(texts, f"subnet {item.get('name')}"),
            group=_reference(body.get("networkSecurityGroup")),
            routes=_reference(body.get("routeTable")),
            nat=_reference(body.get("natGateway")),
        )


def _nic(row: dict[str, Any]) -> Nic:
    addresses: list[Address] = []
    groups: set[str] = set()
    for item in _body(row).get("ipConfigurations") or []:
        body = _body(item)
        if body.get("privateIPAddress"):
            addresses.append(read_address(body["privateIPAddress"], f"interface {row.get('name')}"))
        groups |= {_reference(group) for group in body.get("applicationSecurityGroups") or []}
    return Nic(
        _id(row.get("id")),
        tuple(addresses),
        _reference(_body(row).get("networkSecurityGroup")),
        frozenset(groups),
    )


def _route(item: dict[str, Any]) -> Route:
    body = _body(item)
    text = str(body.get("addressPrefix") or "")
    try:
        prefix: Network | None = ipaddress.ip_network(text, strict=False)
    except ValueError:
        prefix = None  # a service tag
    return Route(
        str(item.get("name") or ""),
        prefix,
        "" if prefix is not None else text,
        str(body.get("nextHopType") or "").lower(),
        str(body.get("nextHopIpAddress") or ""),
    )
