"""Facts about who somebody is: certificates, service accounts, and whence the API server is reached.

Sources: apiserver pkg/authentication, AKS: api-server-authorized-ip-ranges. Tokens: the folder `tokens`.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec

from seawall.access.attributes import MASTERS, User
from seawall.access.names import service_account_groups, service_account_user
from seawall.access.tokens.entra import Identity
from seawall.core.decision import Verdict

RANGES = 200
"""Authorized ranges at most."""
OUTSIDE = (
    "Conditional Access and PIM decide before a token is issued and are not seen here",
    "a certificate in system:masters passes every authorizer until the cluster's certificates are rotated",
)
"""What no answer of this chapter covers."""


def certificate_identity(common_name: str, organizations: tuple[str, ...]) -> Identity:
    """Return the user of a client certificate: CN is the name, each O a group."""
    if not common_name:
        return Identity(None, "a certificate without a common name is nobody's")
    groups = tuple(dict.fromkeys((*organizations, "system:authenticated")))
    problem = OUTSIDE[1] if MASTERS in organizations else ""
    return Identity(User(common_name, groups), problem)


def service_account_identity(namespace: str, name: str, uid: str = "") -> Identity:
    """Return the user of a service account's token."""
    groups = (*service_account_groups(namespace), "system:authenticated")
    return Identity(User(service_account_user(namespace, name), groups, uid))


class Reach(msgspec.Struct, frozen=True):
    """May an address open a connection to the API server?"""

    verdict: Verdict
    reason: str


def may_reach(cluster: dict[str, Any], address: str) -> Reach:
    """Say whether an address may reach a cluster's API server (a managedClusters row in normal form).

    A private cluster answers on its virtual network only. Without authorized ranges every address may; 0.0.0.0/32
    leaves only the cluster's own outbound address. What cannot be read makes the answer unknown, never open.
    """
    try:
        asked = ipaddress.ip_address(address)
    except ValueError:
        return Reach(Verdict.UNKNOWN, f"{address!r} is no address")
    properties = cluster.get("properties")
    profile = properties.get("apiServerAccessProfile") if isinstance(properties, dict) else None
    if profile is None:
        return Reach(Verdict.ALLOW, "no authorized ranges are set: the API server is open to all")
    if not isinstance(profile, dict):
        return Reach(Verdict.UNKNOWN, "apiServerAccessProfile is not an object")
    if profile.get("enablePrivateCluster") is True:
        return Reach(
            Verdict.UNKNOWN, "the cluster is private: only its virtual network and what peers with it"
        )
    ranges = profile.get("authorizedIPRanges") or []
    if not isinstance(ranges, list):
        return Reach(Verdict.UNKNOWN, "authorizedIPRanges is not a list")
    if not ranges:
        return Reach(Verdict.ALLOW, "no authorized ranges are set: the API server is open to all")
    unreadable = []
    for each in ranges:
        try:
            network = ipaddress.ip_network(str(each), strict=False)
        except ValueError:
            # A service tag (preview) stands for ranges that are not known here.
            unreadable.append(str(each))
            continue
        if asked.version == network.version and asked in network and str(network) != "0.0.0.0/32":
            return Reach(Verdict.ALLOW, f"authorized range {each}")
    if unreadable:
        return Reach(Verdict.UNKNOWN, f"what {', '.join(unreadable)} stands for is not known here")
    if "0.0.0.0/32" in ranges:
        return Reach(
            Verdict.DENY, "only the cluster's own outbound address and the listed ranges are authorized"
        )
    return Reach(Verdict.DENY, "the address is in no authorized range")
