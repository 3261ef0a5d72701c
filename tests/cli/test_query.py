from __future__ import annotations

import csv
import io
import json

import pytest

from support.command import seawall

DOCUMENTED = """\
resources
| where type == "microsoft.containerservice/managedclusters"
| where properties.enableRBAC == false
| project name
"""


def row(name, properties):
    return {
        "id": f"/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/{name}",
        "name": name,
        "type": "Microsoft.ContainerService/managedClusters",
        "location": "westeurope",
        "properties": properties,
    }


@pytest.fixture
def clusters(tmp_path):
    rows = [
        row("off", {"enableRBAC": False}),
        row("on", {"enableRBAC": True}),
        row("silent", {"dnsPrefix": "x"}),
    ]
    file = tmp_path / "clusters.json"
    file.write_text(json.dumps({"value": rows}))
    return str(file)


def test_the_documented_query_runs_as_written(clusters):
    """Specs b.1: a cluster without the property is not returned, for null == false is false."""
    done = seawall("query", DOCUMENTED, clusters, "-o", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == [{"name": "off"}]


def test_the_control_and_the_documented_query_have_two_answers(clusters):
    done = seawall("assess", clusters, "--control", "rbac-enabled", "-o", "json")
    failing = {item["subject"]["name"] for item in json.loads(done.stdout)["findings"]}
    assert failing == {"off", "silent"}
    done = seawall("assess", clusters, "--control", "rbac-switched-off", "-o", "json")
    assert {item["subject"]["name"] for item in json.loads(done.stdout)["findings"]} == {"off"}


def test_a_query_may_start_with_an_operator(clusters):
    done = seawall("query", "where name == 'on' | project name", clusters, "-o", "csv")
    assert list(csv.reader(io.StringIO(done.stdout))) == [["name"], ["on"]]


def test_table_output(clusters):
    done = seawall("query", "resources | project name, n = strlen(name) | order by name asc", clusters)
    assert done.stdout.splitlines() == ["name    n", "off     3", "on      2", "silent  6"]


def test_an_error_shows_line_and_caret(clusters):
    done = seawall("query", "resources\n| wherre name == 'a'", clusters)
    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert "^" in done.stderr


def test_a_query_of_a_file(clusters, tmp_path):
    (tmp_path / "q.kql").write_text(DOCUMENTED)
    assert "off" in seawall("query", f"@{tmp_path}/q.kql", clusters).stdout


@pytest.mark.parametrize(
    "text",
    [
        "externaldata(a:string)['file:///etc/passwd']",
        "resources | where name == 'a'; COPY resources TO '/tmp/x'",
        "read_csv('/etc/passwd')",
        "resources | extend x = read_text('/etc/passwd')",
    ],
)
def test_no_way_out_of_the_engine(clusters, text):
    done = seawall("query", text, clusters)
    assert done.returncode == 2
    assert "root:" not in done.stdout + done.stderr


def test_rows_are_limited_and_it_is_said(clusters):
    done = seawall("query", "range x from 1 to 1000 step 1", clusters, "--rows", "10", "-o", "csv")
    assert len(done.stdout.splitlines()) == 11
    assert "only the first 10 rows" in done.stderr


def test_time_is_limited(clusters):
    text = "range a from 1 to 100000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 100000 step 1 | extend k = 1) on k | summarize sum(a * b)"
    done = seawall("query", text, clusters, "--seconds", "0.3")
    assert done.returncode == 2
    assert "longer than 0.3 seconds" in done.stderr


def test_findings_are_a_table_too(clusters):
    text = "findings | where control == 'rbac-enabled' | summarize count() by outcome | order by outcome asc"
    done = seawall("query", text, clusters, "-o", "json")
    assert json.loads(done.stdout) == [{"outcome": "fail", "count_": 2}, {"outcome": "pass", "count_": 1}]


def test_a_table_of_a_later_chapter_says_that_it_is_not_built(clusters):
    done = seawall("query", "vulnerabilities | take 1", clusters)
    assert done.returncode == 2
    assert "not built in this version" in done.stderr


def test_tables_are_listed_with_their_columns():
    done = seawall("query", "--tables")
    assert "containers: " in done.stdout
    assert "    podSecurityContext" in done.stdout


def test_tables_that_chapters_fill(tmp_path):
    (tmp_path / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\n"
        "spec: {hostPID: true, containers: [{name: c, image: i}]}\n"
    )
    text = "pod_security | where level == 'baseline' and not(allowed) | project name, ['check'], path"
    done = seawall("query", text, str(tmp_path), "-o", "json")
    assert [row["check"] for row in json.loads(done.stdout)] == ["hostNamespaces"]
    done = seawall(
        "query",
        "grants | where roleName == 'cluster-admin' | project bindingName",
        "examples/contoso",
        "-o",
        "csv",
    )
    assert "ci-deployer" in done.stdout


def test_check_says_why_a_query_would_not_run_in_resource_graph():
    done = seawall("query", "resources | serialize | extend n = row_number()", "--profile", "arg", "--check")
    assert done.returncode == 1
    assert "1:" in done.stdout
    assert seawall("query", DOCUMENTED, "--profile", "arg", "--check").returncode == 0


def test_lint_finds_a_misspelt_property():
    text = DOCUMENTED.replace("enableRBAC", "enableRbac")
    done = seawall("query", text, "--lint")
    assert done.returncode == 1
    assert "enableRBAC" in done.stdout
    assert seawall("query", DOCUMENTED, "--lint").returncode == 0


def test_explain_tells_what_decided_and_the_smallest_change(clusters):
    off = row("off", {})["id"]
    done = seawall("query", DOCUMENTED, clusters, "--explain", off)
    assert "is in the answer" in done.stdout
    assert "smallest change that takes it out: properties.enableRBAC from false to true" in done.stdout


TIMES = "print at=datetime(2020-01-01)+1d, span=26h, odd=real(nan), d=dynamic([1,'a']), n=decimal(1.50)"


def test_times_are_shown_in_kusto_s_form_and_never_as_ticks(clusters):
    """Docs: scalar data types datetime and timespan; api/rest/response for NaN and decimal."""
    done = seawall("query", TIMES, clusters, "-o", "csv")
    assert done.stdout.splitlines()[1] == '2020-01-02T00:00:00.0000000Z,1.02:00:00,NaN,"[1,""a""]",1.50'
    [shown] = json.loads(seawall("query", TIMES, clusters, "-o", "json").stdout)
    assert (shown["at"], shown["span"], shown["odd"], shown["n"]) == (
        "2020-01-02T00:00:00.0000000Z",
        "1.02:00:00",
        "NaN",
        "1.50",
    )
    assert "1.02:00:00" in seawall("query", TIMES, clusters).stdout


def test_who_asks_is_told(clusters, tmp_path):
    told = tmp_path / "ann.json"
    told.write_text('{"FQN": "aaduser=7;9", "Groups": ["aadgroup=ops"]}')
    text = "print who = current_principal(), ops = current_principal_is_member_of('aadgroup=ops')"
    result = seawall("query", "--principal", f"@{told}", "-o", "csv", text, clusters)
    assert result.stdout == "who,ops\naaduser=7;9,true\n"
    result = seawall("query", "-o", "csv", text, clusters)
    assert (result.returncode, result.stdout) == (2, "")
    assert "--principal" in result.stderr


def test_a_principal_that_cannot_be_read(clusters, tmp_path):
    told = tmp_path / "ann.json"
    told.write_text("[1]")
    for given, reason in (
        (f"@{told}", "Expected `object`"),
        (f"@{tmp_path}/none", "No such file"),
        (" ", "empty"),
    ):
        result = seawall("query", "--principal", given, "print 1", clusters)
        assert result.returncode == 2
        assert reason in result.stderr
