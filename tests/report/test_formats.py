"""Every format is parsed back: all of them hold the same findings."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
import xml.etree.ElementTree as ET
from importlib import resources

import jsonschema
import pytest

from seawall.core import Outcome, UsageError
from seawall.report import FORMATS, check_format, render
from seawall.report import json as report_json
from support.reports import AWKWARD, awkward_report, finding, report

REPORT = awkward_report()
EXPECTED = sorted((item.control, item.subject.id, item.outcome.value) for item in REPORT.findings)


def unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def parse_json(text):
    return [(f["control"], f["subject"]["id"], f["outcome"]) for f in json.loads(text)["findings"]]


def parse_jsonl(text):
    rows = [json.loads(line) for line in text.splitlines()]
    return [(f["control"], f["subject"]["id"], f["outcome"]) for f in rows]


def parse_csv(text):
    rows = csv.DictReader(io.StringIO(text))
    return [(row["control"], row["subject.id"], row["outcome"]) for row in rows]


def parse_sarif(text):
    results = json.loads(text)["runs"][0]["results"]
    return [(r["ruleId"], r["properties"]["subject"]["id"], r["properties"]["outcome"]) for r in results]


def parse_junit(text):
    found = []
    for case in ET.fromstring(text).iter("testcase"):  # noqa: S314 - our own output
        if case.get("classname") == "unread" or "more subjects pass" in case.get("name"):
            continue
        outcome = "pass"
        for kind in ("failure", "error"):
            if case.find(kind) is not None:
                outcome = case.find(kind).get("type").partition("/")[0]
        if case.find("skipped") is not None:
            outcome = case.find("skipped").get("message").partition(":")[0]
        found.append((case.get("classname"), case.get("name").partition(" ")[0], outcome))
    return found


def parse_markdown(text):
    found, subject = [], ""
    for line in text.splitlines():
        if line.startswith("`"):
            subject = line.strip("`")
        elif match := re.match(r"\| ([a-z-]+) \| ([a-z]+) \| `([a-z-]+)` \|", line):
            found.append((match[3], subject, match[1]))
    return found


def parse_github(text):
    found = []
    for line in text.splitlines():
        match = re.match(r"::\w+ .*title=([a-z-]+) \(([a-z-]+)%2C \w+\)::(\S+): ", line)
        if match:
            found.append((match[1], match[3], match[2]))
    return found


def parse_table(text):
    found, subject = [], ""
    for line in text.splitlines():
        if match := re.match(r"\S.*  (\S+/\S+)$", line):
            subject = match[1]
        elif match := re.match(r"  ([a-z-]+) +([a-z-]+)  ", line):
            outcome = "fail" if match[1] in {"critical", "high", "medium", "low"} else match[1]
            found.append((match[2], subject, outcome))
    return found


def parse_html(text):
    packed = re.search(r'id="data">([^<]+)<', text)[1]
    data = json.loads(gzip.decompress(base64.b64decode(packed)))
    columns = data["columns"]
    return [
        (
            data["controls"][columns["control"][n]]["id"],
            data["subjects"][columns["subject"][n]]["id"],
            data["words"]["outcome"][columns["outcome"][n]],
        )
        for n in range(len(columns["control"]))
    ]


PARSERS = {
    "json": parse_json,
    "jsonl": parse_jsonl,
    "csv": parse_csv,
    "sarif": parse_sarif,
    "junit": parse_junit,
    "markdown": parse_markdown,
    "github": parse_github,
    "table": parse_table,
    "html": parse_html,
}


def test_every_format_has_a_parser_here():
    assert set(PARSERS) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_findings_in_every_format(name):
    assert sorted(PARSERS[name](render(REPORT, name))) == EXPECTED


@pytest.mark.parametrize("name", FORMATS)
def test_two_renderings_are_the_same_bytes(name):
    assert render(REPORT, name) == render(awkward_report(), name)


def test_json_reads_back_to_the_same_report():
    assert report_json.parse(render(REPORT, "json")) == REPORT


def test_json_follows_the_published_schema():
    jsonschema.validate(json.loads(render(REPORT, "json")), report_json.schema())


def test_what_could_not_be_read_is_in_every_format_that_has_a_place_for_it():
    for name in ("json", "sarif", "junit", "markdown", "github", "table"):
        assert "broken.yaml" in render(REPORT, name), name


def test_awkward_text_survives_where_text_is_data():
    clean = AWKWARD.replace("\x01", "�")
    assert any(row["message"] == AWKWARD for row in json.loads(render(REPORT, "json"))["findings"])
    assert any(
        row["message"] == AWKWARD for row in csv.DictReader(io.StringIO(render(REPORT, "csv"), newline=""))
    )
    messages = [node.get("message") for node in ET.fromstring(render(REPORT, "junit")).iter("failure")]  # noqa: S314 - our own output
    assert clean in messages


def test_csv_runs_no_formula():
    evil = report((finding(1, message="=HYPERLINK(1)"),))
    (row,) = csv.DictReader(io.StringIO(render(evil, "csv")))
    assert row["message"] == "'=HYPERLINK(1)"


def test_markdown_fits_a_comment_and_says_what_it_cut():
    large = report(tuple(finding(number) for number in range(3000)))
    text = render(large, "markdown")
    shown = len(parse_markdown(text))
    assert len(text) <= 65_536
    assert 0 < shown < 3000
    assert f"{3000 - shown} more findings do not fit" in text


def test_sarif_follows_the_specification():
    run = json.loads(render(REPORT, "sarif"))["runs"][0]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        # SARIF 2.1.0, 3.27.10: kind other than fail goes with level none.
        assert (result["kind"] == "fail") == (result["level"] != "none")
        outcome = result["properties"]["outcome"]
        assert ("suppressions" in result) == (outcome == "waived")
        assert (result["kind"] == "fail") == (outcome in {"fail", "waived"})
    with_place = next(r for r in run["results"] if "physicalLocation" in r["locations"][0])
    place = with_place["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "apps/team%201/deploy%2C%20all.yaml"
    assert place["region"] == {"startLine": 2, "startColumn": 5}


def test_html_asks_nothing_of_the_network():
    page = render(REPORT, "html")
    script = (resources.files("seawall.report") / "page" / "page.js").read_text()
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert "default-src 'none'" in page
    assert not re.search(r"\bfetch\(|XMLHttpRequest|import\(|WebSocket", script)


def test_a_script_in_a_finding_stays_data():
    evil = report((finding(1, message="</script><script>alert(1)</script>"),))
    assert "alert(1)" not in render(evil, "html")


def test_an_unknown_format_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        check_format("sariff")
    assert "'sarif'" in caught.value.hint


def test_only_what_the_report_holds_counts_as_an_outcome():
    assert {item.value for item in Outcome} == {
        "pass",
        "fail",
        "not-applicable",
        "manual",
        "unknown",
        "error",
        "waived",
    }
