"""Who asks: what the caller says, and nobody else."""

from __future__ import annotations

import pytest

from seawall.kql import Database, KqlError, Principal

TOLD = {"FQN": "aaduser=7;9", "UserPrincipalName": "ann@contoso.com", "Groups": ["aadgroup=ops@contoso.com"]}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("current_principal()", "aaduser=7;9"),
        ("current_principal_details()", {"FQN": "aaduser=7;9", "UserPrincipalName": "ann@contoso.com"}),
        ("current_principal_is_member_of('aadgroup=x', 'AADGROUP=ops@contoso.com')", True),
        ("current_principal_is_member_of(dynamic(['aaduser=ann@contoso.com']))", True),
        ("current_principal_is_member_of('aadgroup=dev@contoso.com')", False),
    ],
)
def test_who_asks_is_what_the_caller_says(call, expected):
    assert Database(principal=Principal.of(TOLD)).query(f"print {call}").rows == [[expected]]


@pytest.mark.parametrize(
    ("principal", "call", "reason"),
    [
        (None, "current_principal()", "--principal"),
        ("aaduser=7;9", "current_principal_details()", "file with the details"),
        ("aaduser=7;9", "current_principal_is_member_of('aadgroup=ops@contoso.com')", "groups"),
        ({"Mfa": "True"}, "current_principal()", "no FQN"),
    ],
)
def test_what_is_not_known_is_refused(principal, call, reason):
    database = Database(principal=None if principal is None else Principal.of(principal))
    with pytest.raises(KqlError) as caught:
        database.query(f"print {call}")
    assert caught.value.kind == "unsupported"
    assert reason in caught.value.diagnostics()


def test_nobody_is_a_member_of_nothing():
    assert Database().query("print current_principal_is_member_of('aadgroup=ops@contoso.com')").rows == [
        [False]
    ]


def test_names_are_literals():
    with pytest.raises(KqlError, match="literal names"):
        Database().query("datatable(s:string)['x'] | extend m = current_principal_is_member_of(s)")


@pytest.mark.parametrize("told", ["", "  ", {"Groups": "ops"}, {"Groups": [1]}])
def test_what_names_nobody_is_an_error(told):
    with pytest.raises(ValueError, match=r"empty|list of names"):
        Principal.of(told)
