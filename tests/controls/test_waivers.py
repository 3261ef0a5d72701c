from __future__ import annotations

import io
from datetime import date

import msgspec
import pytest

from seawall.controls.inline import InlineWaiver, inline_waivers
from seawall.controls.waivers import Waiver, apply_waivers, read_waivers
from seawall.core import InputError, Location, Outcome
from seawall.sources import read_paths
from support.command import seawall
from support.reports import finding

TODAY = date(2026, 11, 21)
KNOWN = {
    name: name for name in ("rbac-enabled", "no-privileged-containers", "image-pinned", "liveness-probe")
} | {"SW-API-03": "rbac-enabled"}


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


def test_a_waiver_may_name_a_control_by_its_alias_and_a_file():
    assert outcome(waiver(control="SW-API-03"))[0] is Outcome.WAIVED
    found = msgspec.structs.replace(finding(0, Outcome.FAIL), locations=(Location("legacy/a.yaml", 3, 1),))
    for pattern, expected in (("legacy/*", True), ("*/b.yaml", False)):
        assert waiver(subject=pattern).matcher()(found) is expected


def test_a_waiver_of_a_control_that_was_not_run_is_not_called_unused():
    for asked, expected in (({"image-pinned"}, "not-asked"), ({"rbac-enabled"}, "unused")):
        _, uses, warnings = apply_waivers([], [waiver()], TODAY, KNOWN, asked)
        assert (uses[0].state, bool(warnings)) == (expected, expected == "unused")


def test_a_hostile_pattern_is_refused_quickly():
    assert outcome(waiver(subject="*a" * 500 + "!"))[0] is Outcome.FAIL
    assert outcome(waiver(subject="*" * 5000 + "!"))[0] is Outcome.FAIL


# ---- waivers beside what they waive ----

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations:
    seawall.dev/ignore.rbac-enabled: until=2027-01-31 owner=ada -- not yet
spec:
  a: 1 # seawall: ignore[image-pinned] until=2027-01-31 -- until the mirror is back
  # seawall: ignore[liveness-probe, rbac-enabled] until=2027-02-01 owner=bob -- two
  # of them

  b: 2
"""


def beside(text):
    snapshot = read_paths(["-"], stdin=io.BytesIO(text.encode()))
    return inline_waivers(snapshot)


def test_comments_and_annotations_are_waivers_with_an_end_and_a_reason():
    found, warnings = beside(MANIFEST)
    assert warnings == []
    shown = {(each.control, each.line, each.object_id, each.owner, each.expires) for each in found}
    assert shown == {
        ("rbac-enabled", 0, "Deployment.apps/shop/web", "ada", "2027-01-31"),
        ("image-pinned", 9, "", "<stdin>:9", "2027-01-31"),
        ("liveness-probe", 13, "", "bob", "2027-02-01"),
        ("rbac-enabled", 13, "", "bob", "2027-02-01"),
    }
    assert {each.reason for each in found} == {"not yet", "until the mirror is back", "two"}


@pytest.mark.parametrize(
    "comment",
    [
        "# seawall: ignore[rbac-enabled]",
        "# seawall: ignore[rbac-enabled] until=2027-02-30 -- no such day",
        "# seawall: ignore[rbac-enabled] until=2027-02-01",
        "# seawall: ignore[rbac-enabled] until=2027-02-01 --  ",
        "# seawall: ignore[rbac-enabled] -- for ever",
        "# seawall: ignore[] until=2027-02-01 -- nothing",
    ],
)
def test_a_comment_without_end_or_reason_waives_nothing_and_is_said(comment):
    found, warnings = beside(f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a  {comment}\n")
    assert found == []
    assert len(warnings) == 1
    assert "does not count" in warnings[0]


def test_a_comment_waives_its_line_and_an_annotation_its_object():
    by_line, by_object = (
        InlineWaiver("rbac-enabled", "x", "r", "o", "2027-01-31", file="a.yaml", line=3),
        InlineWaiver("rbac-enabled", "x", "r", "o", "2027-01-31", object_id="Deployment.apps/shop/app-0"),
    )
    found = finding(0, Outcome.FAIL)
    here = msgspec.structs.replace(found, locations=(Location("a.yaml", 3, 1),))
    there = msgspec.structs.replace(found, locations=(Location("a.yaml", 4, 1),))
    assert by_line.matcher()(here)
    assert not by_line.matcher()(there)
    assert by_object.matcher()(there)
    other = msgspec.structs.replace(
        found, subject=msgspec.structs.replace(found.subject, id="Deployment.apps/shop/app-01")
    )
    assert not by_object.matcher()(other)


def test_strict_waivers_and_files_whose_comments_are_passed_over(tmp_path):
    place = tmp_path / "pod.yaml"
    place.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n"
        "    image: web:latest # seawall: ignore[image-pinned] until=2027-01-31 -- mirror\n"
    )
    only = (str(place), "--control", "image-pinned", "--as-of", "2026-11-21")
    assert seawall("assess", *only, "--strict-waivers").returncode == 0
    assert seawall("assess", *only, "--no-inline-waivers").returncode == 1
    late = seawall("assess", *only[:-1], "2027-02-01", "--strict-waivers")
    assert (late.returncode, "its findings are back" in late.stderr) == (2, True)
    assert "image-pinned" in late.stdout
