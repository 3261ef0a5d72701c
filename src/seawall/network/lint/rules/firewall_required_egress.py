"""The firewall that a cluster's egress goes through does not let a name through that AKS needs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall.network.firewall import read_firewalls
from seawall.network.lint.edge import azure_of
from seawall.network.lint.model import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.lint.model import View

SEVERITY = "error"
_FACTS = Path(__file__).parents[2] / "facts" / "required-egress.json"


@cache
def _required() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(_FACTS.read_text(encoding="utf-8"))["clouds"]
    return found


def check(view: View) -> Iterator[Found]:
    """Yield names that the firewall on the default route of a node subnet denies (specs b8)."""
    firewalls = read_firewalls(view.resources)
    network = azure_of(view)
    for cluster in network.clusters if firewalls else ():
        body = cluster.get("properties") or {}
        private = (body.get("apiServerAccessProfile") or {}).get("enablePrivateCluster") is True
        wanted = {str(pool.get("vnetSubnetID") or "").lower() for pool in body.get("agentPoolProfiles") or []}
        for subnet in network.subnets:
            hops = {
                route.address
                for route in network.routes.get(subnet.routes, ())
                if route.kind == "virtualappliance"
                and route.prefix is not None
                and not route.prefix.prefixlen
            }
            for firewall in firewalls if subnet.id in wanted else ():
                if not hops & {str(address) for address in firewall.addresses}:
                    continue
                for item in _needed(cluster, private=private):
                    allowed, rule = firewall.allows(subnet.prefixes[0][4], item["fqdn"], item["port"])
                    if allowed is False:
                        by = f"rule {rule} denies it" if rule else "no application rule names it"
                        yield Found(
                            firewall.row,
                            ("properties",),
                            f"nodes of {cluster.get('name')} cannot call {item['fqdn']}:{item['port']}",
                            f"{subnet.prefixes[0][4]} -> {firewall.addresses[0]}: {by}",
                            "allow the FQDN tag AzureKubernetesService from the node subnet",
                        )


def _needed(cluster: dict[str, Any], *, private: bool) -> Iterator[dict[str, Any]]:
    location = str(cluster.get("location") or "").lower().replace(" ", "")
    cloud = "AzureUSGovernment" if location.startswith("usgov") else "AzurePublic"
    cloud = "AzureChina" if location.startswith("china") else cloud
    table = _required()
    for item in table.get(cloud) or next((table[name] for name in table if name.startswith(cloud)), ()):
        if private and not item["privateCluster"]:
            continue
        yield {**item, "fqdn": item["fqdn"].replace("<location>", location or "*")}
