"""Who a token or certificate stands for, and whence the API server is reached (specs b9, traps 8 and 11)."""

from __future__ import annotations

import pytest

from seawall.access.authentication import (
    certificate_identity,
    may_reach,
    service_account_identity,
)
from seawall.access.tokens.entra import entra_identity

V2 = {"iss": "https://login.microsoftonline.com/t/v2.0", "oid": "o"}


@pytest.mark.parametrize(
    ("claims", "name", "groups", "complete"),
    [
        (V2 | {"upn": "jane@contoso.com", "groups": ["g"]}, "jane@contoso.com", ("g",), True),
        (V2, "o", (), True),
        ({"iss": "https://sts.windows.net/t/", "oid": "o", "_claim_names": {"groups": "s"}}, "o", (), False),
    ],
)
def test_entra_users(claims, name, groups, complete):
    found = entra_identity(claims)
    assert (found.user.name, found.user.groups, found.complete) == (name, groups, complete)
    assert found.user.extra == (("oid", ("o",)),)


@pytest.mark.parametrize(
    "claims",
    [
        V2 | {"idtyp": "app", "_claim_names": {"groups": "s"}},
        V2 | {"upn": "system:admin"},
        {"iss": "https://login.example.com/", "oid": "o"},
        {"iss": V2["iss"]},
    ],
)
def test_tokens_that_are_nobody(claims):
    found = entra_identity(claims)
    assert found.user is None
    assert found.problem


def test_certificates_and_service_accounts():
    assert certificate_identity("a", ("system:masters",)).problem
    assert certificate_identity("a", ("dev",)).user.groups == ("dev", "system:authenticated")
    assert service_account_identity("n", "a").user.groups == (
        "system:serviceaccounts",
        "system:serviceaccounts:n",
        "system:authenticated",
    )


@pytest.mark.parametrize(
    ("profile", "address", "verdict"),
    [
        (None, "203.0.113.9", "allow"),
        ({"authorizedIPRanges": []}, "203.0.113.9", "allow"),
        ({"authorizedIPRanges": ["203.0.113.0/24"]}, "203.0.113.9", "allow"),
        ({"authorizedIPRanges": ["203.0.113.0/24"]}, "198.51.100.1", "deny"),
        ({"authorizedIPRanges": ["203.0.113.9"]}, "203.0.113.9", "allow"),
        ({"authorizedIPRanges": ["0.0.0.0/32"]}, "198.51.100.1", "deny"),
        ({"authorizedIPRanges": ["AzureCloud.westeurope"]}, "198.51.100.1", "unknown"),
        ({"enablePrivateCluster": True}, "198.51.100.1", "unknown"),
        ({"authorizedIPRanges": ["203.0.113.0/24"]}, "2001:db8::1", "deny"),
        ({"authorizedIPRanges": ["203.0.113.0/24"]}, "no address", "unknown"),
    ],
)
def test_whence_the_api_server_is_reached(profile, address, verdict):
    cluster = {"properties": {"apiServerAccessProfile": profile} if profile is not None else {}}
    assert may_reach(cluster, address).verdict == verdict
