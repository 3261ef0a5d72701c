from __future__ import annotations

from datetime import date

import pytest

from seawall.controls.waivers import Waiver, apply_waivers, read_waivers
from seawall.core import InputError, Outcome
from support.reports import finding

TODAY = date(2026, 11, 21)
KNOWN = frozenset({"rbac-enabled", "no-privileged-containers", "image-pinned", "liveness-probe"})


def waiver(**changes):
    fields = {
        "control": "rbac-enabled",
        "subject": "Deployment.apps/shop/app-0",
        "reason": "because",
        "owner": "ada",
        "expires": "2026-12-31",
    }
    return Waiver(**{**fields, **changes})


def outcome(rule, number=0, kind=Outcome.FAIL):
    findings, uses, warnings = apply_waivers([finding(number, kind)], [rule], TODAY, KNOWN)
    return findings[0].outcome, uses[0].state, warnings


def test_a_waiver_waives_what_it_names():
    assert outcome(waiver()) == (Outcome.WAIVED, "used", [])


@pytest.mark.parametrize("pattern", ["*app-0", "shop/*", "app-0", "APP-0", "Deployment.apps/shop/app-?"])
def test_a_subject_is_a_glob_over_id_and_names(pattern):
    assert outcome(waiver(subject=pattern))[0] is Outcome.WAIVED


@pytest.mark.parametrize("pattern", ["app", "bank/*", "app-0.*", "(app-0)"])
def test_a_glob_is_no_prefix_and_no_regular_expression(pattern):
    shown, state, warnings = outcome(waiver(subject=pattern))
    assert (shown, state) == (Outcome.FAIL, "unused")
    assert "is not used" in warnings[0]


def test_another_control_is_not_waived():
    assert outcome(waiver(), number=1)[0] is Outcome.FAIL


def test_on_its_last_day_a_waiver_holds_and_the_day_after_it_does_not():
    assert outcome(waiver(expires="2026-11-21"))[0] is Outcome.WAIVED
    shown, state, warnings = outcome(waiver(expires="2026-11-20"))
    assert (shown, state) == (Outcome.FAIL, "expired")
    assert "its findings are back" in warnings[0]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Outcome.UNKNOWN, Outcome.WAIVED),
        (Outcome.MANUAL, Outcome.WAIVED),
        (Outcome.ERROR, Outcome.ERROR),
        (Outcome.PASS, Outcome.PASS),
    ],
)
def test_an_error_cannot_be_waived_and_a_pass_needs_no_waiver(kind, expected):
    assert outcome(waiver(), kind=kind)[0] is expected


def test_a_waiver_of_no_control_is_warned_of():
    assert "no control of that name" in outcome(waiver(control="rbac-enabeld"))[2][0]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("waivers: [{control: a, subject: b, reason: c, owner: d}]", "expires"),
        ("waivers: [{control: a, subject: b, reason: c, owner: d, expires: 2027-01-01, until: x}]", "until"),
        (
            "waivers: [{control: a, subject: b, reason: ' ', owner: d, expires: 2027-01-01}]",
            "reason is empty",
        ),
        ("waivers: [{control: a, subject: b, reason: c, owner: d, expires: soon}]", "not a date"),
        ("waivers: {", "yaml"),
        ("- a", "waivers.yaml"),
        ("", "waivers.yaml"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, text, word):
    file = tmp_path / "waivers.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_waivers(str(file))
    assert word in caught.value.diagnostics()


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError):
        read_waivers(str(tmp_path / "none.yaml"))
