"""Facts about who somebody is: Entra claims, certificates, service accounts, and whence the API server is reached.

Sources: guard auth/providers/azure (specs b9), apiserver pkg/authentication, AKS: api-server-authorized-ip-ranges.
Signatures are not looked at here: claims are taken as verified.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec

from seawall.access.attributes import MASTERS, User
from seawall.access.names import service_account_groups, service_account_user
from seawall.core.decision import Verdict

ISSUERS = ("https://sts.windows.net/", "https://login.microsoftonline.com/")
RANGES = 200
"""Authorized ranges at most."""
OUTSIDE = (
    "Conditional Access and PIM decide before a token is issued and are not seen here",
    "a certificate in system:masters passes every authorizer until the cluster's certificates are rotated",
)
"""What no answer of this chapter covers."""


class Identity(msgspec.Struct, frozen=True):
    """A user as an authenticator gives it; `problem` says what is not known, or why there is no user."""

    user: User | None
    problem: str = ""
    complete: bool = True


def entra_identity(claims: dict[str, Any]) -> Identity:
    """Return the Kubernetes user of an Entra token's verified claims, v1 or v2.

    The name is `upn`, else `oid`; `oid` goes into extra. With too many groups the token holds a pointer instead
    (overage): a user's groups must then be asked of Graph, so the answer is not complete; an application's cannot
    be, which is an error. A token without either has no groups.
    """
    issuer, oid = claims.get("iss"), claims.get("oid")
    if not isinstance(issuer, str) or not issuer.startswith(ISSUERS):
        return Identity(None, "the issuer is none of Entra's")
    if not isinstance(oid, str) or not oid:
        return Identity(None, "the token has no oid")
    upn = claims.get("upn")
    name = upn if isinstance(upn, str) and upn else oid
    if name.lower().startswith("system:"):
        return Identity(None, "names of the system are not taken from a token")
    extra = (("oid", (oid,)),)
    groups = claims.get("groups")
    if isinstance(groups, list):
        return Identity(User(name, tuple(each for each in groups if isinstance(each, str)), "", extra))
    pointers = claims.get("_claim_names")
    if isinstance(pointers, dict) and "groups" in pointers:
        # v1 tokens carry no idtyp: they count as a user's.
        if claims.get("idtyp") == "app":
            return Identity(
                None,
                "the application is in more groups than a token holds (200): assign groups to it directly",
            )
        return Identity(
            User(name, (), "", extra), "the groups are not in the token: ask Graph", complete=False
        )
    return Identity(User(name, (), "", extra))


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
