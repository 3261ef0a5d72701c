from __future__ import annotations

import msgspec
import pytest

from seawall.controls.baseline import apply_baseline, read_baseline, write_baseline
from seawall.core import InputError, Location, Outcome, UsageError
from support.reports import finding


def test_what_the_baseline_knows_is_waived_and_what_is_new_is_not(tmp_path):
    file = str(tmp_path / "baseline.json")
    write_baseline(file, [finding(0), finding(1)], accept_new=False)
    result = apply_baseline([finding(0), finding(1), finding(2)], read_baseline(file))
    assert [item.outcome for item in result] == [Outcome.WAIVED, Outcome.WAIVED, Outcome.FAIL]


def test_a_moved_line_is_not_a_new_finding(tmp_path):
    file = str(tmp_path / "baseline.json")
    write_baseline(file, [finding(1)], accept_new=False)
    moved = msgspec.structs.replace(finding(1), locations=(Location("elsewhere.yaml", 99, 1),))
    assert apply_baseline([moved], read_baseline(file))[0].outcome is Outcome.WAIVED


def test_the_same_finding_twice_is_one_too_many(tmp_path):
    file = str(tmp_path / "baseline.json")
    write_baseline(file, [finding(0)], accept_new=False)
    result = apply_baseline([finding(0), finding(0)], read_baseline(file))
    assert [item.outcome for item in result] == [Outcome.WAIVED, Outcome.FAIL]


def test_only_failures_go_into_a_baseline(tmp_path):
    file = str(tmp_path / "baseline.json")
    write_baseline(file, [finding(0, Outcome.UNKNOWN), finding(1, Outcome.PASS)], accept_new=False)
    assert read_baseline(file) == {}


def test_a_baseline_shrinks_by_itself_and_grows_only_when_told(tmp_path):
    file = str(tmp_path / "baseline.json")
    write_baseline(file, [finding(0), finding(1)], accept_new=False)
    with pytest.raises(UsageError, match="would grow by 1"):
        write_baseline(file, [finding(0), finding(2)], accept_new=False)
    write_baseline(file, [finding(0)], accept_new=False)
    assert len(read_baseline(file)) == 1
    write_baseline(file, [finding(0), finding(2)], accept_new=True)
    assert len(read_baseline(file)) == 2


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"version": 2, "findings": {}}',
        '{"version": 1}',
        '{"version": 1, "findings": {"a": 3}}',
    ],
)
def test_a_baseline_that_cannot_be_read_is_an_error_never_an_empty_one(tmp_path, content):
    file = tmp_path / "baseline.json"
    file.write_text(content)
    with pytest.raises(InputError):
        read_baseline(str(file))


def test_no_baseline_is_an_error_too(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_baseline(str(tmp_path / "none.json"))
