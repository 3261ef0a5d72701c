from __future__ import annotations

import json

import pytest

from support import ROOT
from support.command import seawall

GOOD = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop}
data: {a: b}
"""
BAD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
    - name: web
      image: nginx
      securityContext:
        privileged: true
"""
ONLY = ("--control", "no-privileged-containers")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "web.yaml").write_text(BAD)
    return tmp_path


def report(*arguments, **options):
    done = seawall("assess", *arguments, "-o", "json", **options)
    return done, json.loads(done.stdout)


def test_an_empty_folder_is_not_a_pass(tmp_path):
    done = seawall("assess", str(tmp_path))
    assert done.returncode == 3
    assert "nothing to check was found" in done.stderr


def test_files_of_other_kinds_are_listed_and_not_fatal(tmp_path):
    (tmp_path / "README.md").write_text("# hello")
    (tmp_path / "main.py").write_text("print()")
    done, data = report(str(tmp_path))
    assert done.returncode == 3
    assert data["counts"]["ignored"] == 2


@pytest.mark.parametrize(
    ("level", "code"), [("critical", 0), ("high", 1), ("medium", 1), ("low", 1), ("none", 0)]
)
def test_fail_on_decides_the_exit_code(folder, level, code):
    assert seawall("assess", str(folder), *ONLY, "--fail-on", level).returncode == code


def test_a_finding_says_what_where_and_how_to_mend_it(folder):
    done, data = report(str(folder), *ONLY)
    assert done.returncode == 1
    (finding,) = data["findings"]
    assert finding["subject"] == {"kind": "Pod", "namespace": "shop", "name": "web", "id": "Pod/shop/web"}
    assert (finding["outcome"], finding["severity"]) == ("fail", "high")
    assert finding["evidence"] == [
        {"path": "spec.containers[0].securityContext.privileged", "observed": True, "expected": False}
    ]
    (place,) = finding["locations"]
    assert (place["file"].endswith("web.yaml"), place["line"], place["column"]) == (True, 11, 9)
    assert "privileged: false" in finding["fixes"][0]["text"]


def test_broken_yaml_amid_a_folder_stops_nothing_else_and_is_said(folder):
    (folder / "broken.yaml").write_text("a: [1\nb: }")
    done, data = report(str(folder), *ONLY)
    assert done.returncode == 4
    assert len(data["findings"]) == 1
    (unread,) = data["unread"]
    assert "broken.yaml" in unread["path"]


def test_one_broken_document_leaves_the_others_of_its_file(folder):
    (folder / "web.yaml").write_text(f"{BAD}---\na: b: c\n---\n{GOOD}")
    done, data = report(str(folder), *ONLY)
    assert done.returncode == 4
    assert len(data["findings"]) == 1
    assert data["counts"]["objects"] == 2


def test_standard_input():
    done, data = report("-", *ONLY, stdin=BAD)
    assert done.returncode == 1
    assert data["findings"][0]["locations"][0]["line"] == 11


def test_two_runs_print_the_same_bytes():
    for name in ("json", "table", "sarif", "html"):
        first = seawall("assess", "examples/contoso", "-o", name, "--as-of", "2026-11-21").stdout
        assert first == seawall("assess", "examples/contoso", "-o", name, "--as-of", "2026-11-21").stdout


def test_controls_that_found_nothing_are_named_where_they_are_few_and_counted_where_they_are_many(
    folder, tmp_path
):
    many = seawall("assess", str(folder)).stdout
    assert "controls found nothing to evaluate: access " in many
    few = seawall("assess", str(folder), "--control", "rbac-enabled", "--control", "image-pinned").stdout
    assert "1 controls found nothing to evaluate: rbac-enabled" in few
    done = seawall("assess", str(tmp_path / "empty"))
    assert done.returncode == 2
    (tmp_path / "empty").mkdir()
    done = seawall("assess", str(tmp_path / "empty"))
    assert (done.returncode, len(done.stdout.splitlines())) == (3, 1)
    assert "zero resources is not a pass" in done.stderr


def test_several_formats_at_once(folder, tmp_path):
    sarif, page = tmp_path / "r.sarif", tmp_path / "r.html"
    done = seawall("assess", str(folder), *ONLY, "-o", f"sarif={sarif}", "-o", f"html={page}", "-o", "table")
    assert done.returncode == 1
    assert json.loads(sarif.read_text())["version"] == "2.1.0"
    assert page.read_text().startswith("<!doctype html>")
    assert "no-privileged-containers" in done.stdout


def test_a_file_that_cannot_be_written_is_said(folder):
    done = seawall("assess", str(folder), "-o", "json=/no/such/folder/r.json")
    assert done.returncode == 2
    assert "/no/such/folder/r.json" in done.stderr


def test_no_colour_unless_asked(folder):
    assert "\x1b" not in seawall("assess", str(folder)).stdout
    assert "\x1b" in seawall("assess", str(folder), FORCE_COLOR="1").stdout
    assert "\x1b" not in seawall("assess", str(folder), FORCE_COLOR="1", NO_COLOR="1").stdout


def test_a_control_with_an_error_is_named_with_its_caret_and_the_rest_is_judged(folder, tmp_path):
    own = tmp_path / "own" / "policy"
    own.mkdir(parents=True)
    (own / "broken-rule.kql").write_text(
        "// id: broken-rule\n// title: It is\n// severity: high\n// chapter: policy\n// subject: pod\n"
        "// message: It is not.\n// why: So.\n\npods\n| wherre true\n"
    )
    done, data = report(str(folder / "web.yaml"), "--catalogue", str(tmp_path / "own"))
    assert done.returncode == 4
    (error,) = [item for item in data["findings"] if item["outcome"] == "error"]
    assert error["control"] == "broken-rule"
    assert "line 10" in error["message"]
    assert "^" in error["message"]
    assert any(item["outcome"] == "fail" for item in data["findings"])


def test_what_a_control_observed_of_time_is_written_as_time(folder, tmp_path):
    own = tmp_path / "own" / "policy"
    own.mkdir(parents=True)
    (own / "young-pods.kql").write_text(
        "// id: young-pods\n// title: It is\n// severity: high\n// chapter: policy\n// subject: pod\n"
        "// message: It is {observed} old.\n// why: So.\n\npods\n"
        "| project id, pass = false, path = 'spec', observed = 26h, expected = datetime(2026-01-02)\n"
    )
    arguments = (str(folder / "web.yaml"), "--catalogue", str(tmp_path / "own"), "--control", "young-pods")
    found = report(*arguments)[1]["findings"][0]
    assert found["message"] == "It is 1.02:00:00 old."
    assert found["evidence"][0]["observed"] == "1.02:00:00"
    assert found["evidence"][0]["expected"] == "2026-01-02T00:00:00.0000000Z"


def test_include_passed_adds_what_passed(folder):
    few = report(str(folder))[1]
    many = report(str(folder), "--include-passed")[1]
    assert {item["outcome"] for item in few["findings"]} == {"fail", "manual"}
    assert "pass" in {item["outcome"] for item in many["findings"]}
    assert few["coverage"] == many["coverage"]


def test_coverage_counts_every_control(folder):
    data = report(str(folder))[1]
    rows = {item["control"]: item for item in data["coverage"]}
    assert rows["no-privileged-containers"]["evaluated"] == 1
    assert rows["rbac-enabled"]["evaluated"] == 0
    for row in rows.values():
        parts = ("passed", "failed", "unknown", "manual", "waived")
        assert row["evaluated"] == sum(row[part] for part in parts)


def test_waivers_and_their_end(folder, tmp_path):
    waivers = tmp_path / "w.yaml"
    waivers.write_text(
        "waivers:\n- {control: no-privileged-containers, subject: shop/web, reason: r, owner: o, expires: 2026-11-30}\n"
    )
    call = (str(folder / "web.yaml"), *ONLY, "--waivers", str(waivers))
    before, data = report(*call, "--as-of", "2026-11-30")
    assert before.returncode == 0
    assert [item["outcome"] for item in data["findings"]] == ["waived"]
    after, data = report(*call, "--as-of", "2026-12-01")
    assert after.returncode == 1
    assert "its findings are back" in after.stderr
    assert data["waivers"][0]["state"] == "expired"


def test_a_baseline_hides_the_old_and_shows_the_new(folder, tmp_path):
    baseline = str(tmp_path / "b.json")
    assert seawall("assess", str(folder), *ONLY, "--write-baseline", baseline).returncode == 1
    assert seawall("assess", str(folder), *ONLY, "--baseline", baseline).returncode == 0
    (folder / "more.yaml").write_text(BAD.replace("name: web", "name: more"))
    done, data = report(str(folder), *ONLY, "--baseline", baseline)
    assert done.returncode == 1
    assert [item["subject"]["name"] for item in data["findings"] if item["outcome"] == "fail"] == ["more"]


def test_the_example_estate_holds_what_its_story_says():
    data = report("examples/contoso", "--as-of", "2026-11-21")[1]
    failing = {
        (item["control"], item["subject"]["name"]) for item in data["findings"] if item["outcome"] == "fail"
    }
    assert ("no-privileged-containers", "ledger") in failing
    assert ("network-policy-engine", "backoffice") in failing
    assert ("cluster-admin-holders", "ci-deployer") in failing
    assert not {control for control, name in failing if name in {"storefront", "cart"}}
    assert data["unread"] == []
    assert not [item for item in data["findings"] if item["outcome"] == "error"]


def test_the_example_is_where_the_readme_says():
    assert "make demo" in (ROOT / "README.md").read_text()
