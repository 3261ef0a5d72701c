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
_MANAGERS = f"{_NETWORK}networkmanagers/"
_ADMIN_RULE = f"{_MANAGERS}securityadminconfigurations/rulecollections/rules"
_COLLECTION = f"{_MANAGERS}securityadminconfigurations/rulecollections"
_MEMBER = f"{_MANAGERS}networkgroups/staticmembers"


class Subnet(msgspec.Struct, frozen=True):
    """A subnet: its ranges and what hangs on it, by resource id in lower case.

    `endpoint_groups` and `endpoint_routes` tell whether groups and routes hold for private endpoints in it too: by
    default neither does (privateEndpointNetworkPolicies Disabled).
    """

    id: str
    vnet: str
    prefixes: tuple[Network, ...]
    group: str = ""
    routes: str = ""
    nat: str = ""
    endpoint_groups: bool = False
    endpoint_routes: bool = False

    def holds(self, address: Address) -> bool:
        """Tell whether an address lies in it."""
        return any(address.version == item.version and address in item for item in self.prefixes)


class Nic(msgspec.Struct, frozen=True):
    """A network interface: its addresses, its group, its application security groups."""

    id: str
    addresses: tuple[Address, ...]
    group: str
    application_groups: frozenset[str]
    private_endpoint: bool = False


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
        admin: list[tuple[str, NsgRule]] = []
        collections: dict[str, list[str]] = {}
        members: dict[str, set[str]] = {}
        tags: dict[str, tuple[Network, ...]] = {}
        self.private_endpoints: set[Address] = set()
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
                admin.append((_id(row.get("id")).rpartition("/rules/")[0], read_admin_rule(row)))
            elif kind == _COLLECTION:
                groups = _body(row).get("appliesToGroups") or []
                collections[_id(row.get("id"))] = [_id(item.get("networkGroupId")) for item in groups]
            elif kind == _MEMBER:
                group = _id(row.get("id")).rpartition("/staticmembers/")[0]
                members.setdefault(group, set()).add(_id(_body(row).get("resourceId")))
            elif kind == f"{_NETWORK}servicetags":
                tags.update(_tags(row))
            elif kind == f"{_NETWORK}privateendpoints":
                self.private_endpoints |= set(_endpoint_addresses(row))
        self._admin = [
            (rule, _scope(collections.get(parent), members))
            for parent, rule in sorted(admin, key=lambda item: item[1].priority)
        ]
        self.admin = tuple(rule for rule, _ in self._admin)
        # The interface of a private endpoint has its address where the endpoint itself does not say it.
        self.private_endpoints |= {
            address for nic in self.nics if nic.private_endpoint for address in nic.addresses
        }
        for cluster in self.clusters if spaces else ():
            # Pods of an overlay are of the virtual network to its groups: else no pod would reach another node.
            profile = _body(cluster).get("networkProfile") or {}
            for text in profile.get("podCidrs") or [profile.get("podCidr")]:
                if text and str(profile.get("networkPluginMode") or "").lower() == "overlay":
                    spaces.append(ipaddress.ip_network(str(text), strict=False))
        # The tag VirtualNetwork holds the prefixes of routes too. A default route would make it everything, and "might"
        # be in it: it is left out, so that no group is said to let the Internet in for a route's sake.
        routed = {
            route.prefix: None
            for routes in self.routes.values()
            for route in routes
            if route.prefix is not None and route.prefix.prefixlen
        }
        self.topology = Topology(tags=tags, routed=tuple(routed))
        if spaces:
            self.topology = Topology(tuple(spaces), tags, tuple(routed))

    def admin_for(self, vnet: str) -> tuple[tuple[NsgRule, ...], bool]:
        """Return the security admin rules of a virtual network, and whether it is certain that they are all.

        A rule is of the networks in the groups that its collection names; where the collection was not read it is
        taken for one of every network.
        """
        rules = tuple(
            rule for rule, scope in self._admin if scope is None or not scope[1] or vnet in scope[0]
        )
        sure = all(scope is None or scope[1] or vnet in scope[0] for _, scope in self._admin)
        return rules, sure

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
            endpoint_groups=_endpoint_policy(body) in {"enabled", "networksecuritygroupenabled"},
            endpoint_routes=_endpoint_policy(body) in {"enabled", "routetableenabled"},
        )


def _endpoint_policy(body: dict[str, Any]) -> str:
    return str(body.get("privateEndpointNetworkPolicies") or "Disabled").lower()


def _tags(row: dict[str, Any]) -> Iterator[tuple[str, tuple[Network, ...]]]:
    """Yield the service tags of `az network list-service-tags` with their prefixes."""
    for item in row.get("values") or _body(row).get("values") or []:
        name = str(item.get("name") or item.get("id") or "")
        prefixes = _body(item).get("addressPrefixes") or []
        yield name.lower(), _networks(prefixes, f"service tag {name}")


def _endpoint_addresses(row: dict[str, Any]) -> Iterator[Address]:
    for item in _body(row).get("customDnsConfigs") or []:
        for text in item.get("ipAddresses") or []:
            yield read_address(text, f"private endpoint {row.get('name')}")


def _scope(groups: list[str] | None, members: dict[str, set[str]]) -> tuple[set[str], bool] | None:
    """Return the networks of some groups and whether that is all of them; None where no group was read.

    A group without a member that was read may have some by a policy of Azure: who is in it is not known.
    """
    if groups is None:
        return None
    found = {vnet for group in groups for vnet in members.get(group, set())}
    return found, all(group in members for group in groups)


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
        bool(_reference(_body(row).get("privateEndpoint"))),
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
