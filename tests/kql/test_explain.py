"""A row is explained by the engine itself."""

from __future__ import annotations

import copy
import itertools
import re

import pytest

from seawall.kql import Database, KqlError
from seawall.kql.explain import explain

QUERY = "resources\n| where type == 'k'\n| where properties.enableRBAC == false or properties.pods.max > 2"


@pytest.fixture
def database():
    out = Database()
    rows = [
        ["a", "k", {"enableRBAC": False}],
        ["b", "k", {"pods": {"max": 3}}],
        ["c", "k", {"enableRBAC": True}],
    ]
    out.add_table("resources", [("id", "string"), ("type", "string"), ("properties", "dynamic")], rows)
    yield out
    out.close()


def test_the_deciding_predicate_and_the_smallest_change(database):
    told = explain(database, QUERY, "a")
    assert told.included
    assert [(p.path, p.observed, p.held) for p in told.predicates] == [
        ("type", "k", True),
        ("properties.enableRBAC", False, True),
        ("properties.pods.max", None, None),
    ]
    assert (told.change.path, told.change.before, told.change.after) == ("properties.enableRBAC", False, True)


def test_a_number_changes_to_the_border(database):
    told = explain(database, QUERY, "b")
    assert (told.change.path, told.change.after) == ("properties.pods.max", 2)


def test_a_row_that_is_not_in_the_answer_needs_no_change(database):
    told = explain(database, QUERY, "c")
    assert not told.included
    assert told.change is None


def test_an_unknown_row_is_an_error(database):
    with pytest.raises(KqlError, match="no row"):
        explain(database, QUERY, "zzz")


CLUSTER = "microsoft.containerservice/managedclusters"
W = f"resources | where type == '{CLUSTER}' "


def cluster(row_id, **properties):
    return [row_id, row_id[1:], CLUSTER, {"env": "prod"}, properties, {"tier": "Free"}]


COLUMNS = [
    ("id", "string"),
    ("name", "string"),
    ("type", "string"),
    ("tags", "dynamic"),
    ("properties", "dynamic"),
    ("sku", "dynamic"),
]
ROWS = [
    cluster(
        "/a",
        enableRBAC=False,
        kubernetesVersion="1.30.1",
        networkProfile={"networkPlugin": "kubenet"},
        agentPoolProfiles=[
            {"name": "p1", "mode": "System", "enableFIPS": False, "count": 3},
            {"name": "p2", "mode": "User", "enableFIPS": False, "count": 1},
        ],
    ),
    cluster(
        "/b",
        networkProfile={"networkPlugin": "azure", "networkPolicy": "calico"},
        agentPoolProfiles=[{"name": "p1", "mode": "System", "enableFIPS": True}],
        autoUpgradeProfile={"upgradeChannel": "none"},
    ),
    cluster("/c", enableRBAC=True, disableLocalAccounts=True),
    ["/v", "v", "microsoft.network/virtualnetworks", {}, {"x": 1}, None],
]
QUERIES = [
    ("/a", W + "| where properties.enableRBAC == false"),
    ("/b", W + "| where isnull(properties.enableRBAC) or properties.enableRBAC == false"),
    (
        "/a",
        W
        + "| where not(properties.enableRBAC == true) and not(properties.networkProfile.networkPolicy in~ ('azure','calico'))",
    ),
    (
        "/a",
        W + "| where properties.enableRBAC == false or properties.networkProfile.networkPlugin == 'kubenet'",
    ),
    (
        "/a",
        W
        + "| where not(properties.enableRBAC == true and properties.networkProfile.networkPlugin == 'azure')",
    ),
    (
        "/a",
        W
        + "| mv-expand pool = properties.agentPoolProfiles | where pool.enableFIPS != true | project id, pool.name",
    ),
    (
        "/a",
        W
        + "| mv-expand pool = properties.agentPoolProfiles | where pool.mode == 'System' and pool.['count'] < 5 | project id, pool.name",
    ),
    (
        "/a",
        W
        + "| extend bad = iff(properties.networkProfile.networkPlugin =~ 'kubenet', true, false) | where bad",
    ),
    (
        "/a",
        W
        + "| extend plug = tostring(properties.networkProfile.networkPlugin) | where plug in ('kubenet', 'flannel')",
    ),
    (
        "/a",
        W
        + "| join kind=inner (pools | project clusterId, p = properties) on $left.id == $right.clusterId | where properties.enableRBAC == false",
    ),
    (
        "/b",
        W
        + "| join kind=leftouter (pools | project id = clusterId, seen = 1) on id | where isnull(seen) | where isnull(properties.enableRBAC)",
    ),
    ("/a", "let t = " + W + "; t | where properties.enableRBAC == false"),
    ("/a", "(" + W + ") | where properties.enableRBAC == false"),
    (
        "/a",
        "union ("
        + W
        + "| where properties.enableRBAC == false | project id), ("
        + W
        + "| where properties.kubernetesVersion startswith '1.30' | project id)",
    ),
    ("/b", W + "| where array_length(properties.agentPoolProfiles) < 2"),
    ("/b", W + "| where isempty(properties.networkProfile.outboundType)"),
    ("/b", W + "| where tostring(properties.autoUpgradeProfile.upgradeChannel) in~ ('none', '')"),
    ("/a", W + "| where properties.agentPoolProfiles[0].mode == 'System'"),
    ("/c", W + "| where properties.disableLocalAccounts == true | project id"),
    ("/a", W + "| where sku.tier =~ 'free'"),
    ("/a", W + "| where tags.env == 'prod'"),
    (
        "/a",
        W
        + "| mv-apply pool = properties.agentPoolProfiles on (summarize bad = countif(pool.enableFIPS != true)) | where bad > 0",
    ),
    ("/a", W + "| project id, p = properties | project-rename q = p | where q.enableRBAC != true"),
    ("/a", W + "| where properties has 'kubenet'"),
    (
        "/a",
        W
        + "| where name in ((resources | where properties.networkProfile.networkPlugin == 'kubenet' | project name))",
    ),
    (
        "/a",
        W
        + "| where case(properties.enableRBAC == true, false, properties.networkProfile.networkPlugin == 'azure', false, true)",
    ),
    ("/a", W + "| where properties.kubernetesVersion matches regex '^1[.]30' | distinct id"),
    (
        "/a",
        W
        + "| where strlen(properties.kubernetesVersion) > 3 and toint(split(properties.kubernetesVersion, '.')[1]) < 31",
    ),
    ("/a", W + "| extend n = array_length(properties.agentPoolProfiles) | where n between (2 .. 5)"),
    ("/v", "resources | where properties.x > 0"),
    (
        "/a",
        W + "| where id in (dynamic(['/a', '/b'])) | where properties.enableRBAC in (false, dynamic(null))",
    ),
    (
        "/a",
        W + "| parse tostring(properties.kubernetesVersion) with * '.' minor:int '.' * | where minor < 31",
    ),
    ("/a", W + "| evaluate bag_unpack(properties) | where enableRBAC == false"),
    (
        "/a",
        W + "| extend x = properties.enableRBAC | extend y = x == false | extend z = y and true | where z",
    ),
]
"""Rows and queries that they are in, in every form: joins, unions, mv-expand, summarize, nests, nulls."""
CHANGES = {
    # Where it is known what the smallest change is: by the query's own words.
    3: {"properties.enableRBAC": True, "properties.networkProfile.networkPlugin": "azure"},
    5: {
        "properties.agentPoolProfiles[0].enableFIPS": True,
        "properties.agentPoolProfiles[1].enableFIPS": True,
    },
    0: {"properties.enableRBAC": True},
}


def loaded(rows):
    out = Database()
    out.add_table("resources", COLUMNS, rows)
    out.add_table(
        "pools",
        [("id", "string"), ("clusterId", "string"), ("properties", "dynamic")],
        [["/a/p1", "/a", {"m": 1}]],
    )
    return out


def answer(rows, query):
    database = loaded(rows)
    try:
        return sorted(map(repr, database.query(query).rows))
    finally:
        database.close()


def changed(rows, row_id, changes):
    """Apply changes by hand: nothing of the code under test is used here."""
    rows = copy.deepcopy(rows)
    row = next(one for one in rows if one[0] == row_id)
    for change in changes:
        steps = [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", change.path)]
        target = row
        for step in [[name for name, _ in COLUMNS].index(steps[0]), *steps[1:-1]]:
            if isinstance(target, dict) and step not in target:
                target[step] = {}
            target = target[step]
        if change.after is None and isinstance(target, dict):
            target.pop(steps[-1], None)
        else:
            target[steps[-1]] = change.after
    return rows


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_the_change_takes_the_row_out_and_no_part_of_it_does(number):
    row_id, query = QUERIES[number]
    database = loaded(ROWS)
    told = explain(database, query, row_id)
    database.close()
    assert told.included
    assert told.changes
    before = answer(ROWS, query)
    without = answer([row for row in ROWS if row[0] != row_id], query)
    assert before != without
    assert answer(changed(ROWS, row_id, told.changes), query) == without
    for size in range(1, len(told.changes)):
        for part in itertools.combinations(told.changes, size):
            assert answer(changed(ROWS, row_id, part), query) != without
    if number in CHANGES:
        assert {change.path: change.after for change in told.changes} == CHANGES[number]


@pytest.mark.parametrize(
    ("row_id", "query"),
    [
        # Every cluster is counted, whatever its properties are; another type would be another resource.
        ("/a", W + "| count"),
        ("/a", W + "| summarize n = count() by tostring(properties.networkProfile.networkPlugin)"),
    ],
)
def test_where_no_change_of_properties_helps_none_is_told(row_id, query):
    database = loaded(ROWS)
    told = explain(database, query, row_id)
    database.close()
    assert told.included
    assert told.changes == ()


def test_predicates_under_not_and_behind_mv_expand_say_what_they_saw():
    database = loaded(ROWS)
    told = explain(
        database, W + "| mv-expand p = properties.agentPoolProfiles | where not(p.['count'] > 2)", "/a"
    )
    database.close()
    assert [(one.path, one.held, one.observed) for one in told.predicates] == [
        ("type", True, CLUSTER),
        ("p.count", True, 3),
    ]


def test_a_query_that_hangs_on_many_properties_ends_in_time():
    wide = [f"properties.p{n} == {n}" for n in range(40)]
    rows = [cluster("/w", **{f"p{n}": n for n in range(40)})]
    database = loaded(rows)
    told = explain(database, W + "| where " + " or ".join(wide), "/w")
    database.close()
    assert len(told.changes) == 40


def test_a_predicate_is_shown_as_it_is_written():
    database = loaded(ROWS)
    query = W + (
        "\n| where not(properties.enableRBAC == true) and (tostring(tags['env']) in~ ('prod', 'test')\n"
        "    or properties.agentPoolProfiles[0].['count'] < 5) and toint(split(properties.kubernetesVersion, '.')[1]) < 31"
    )
    told = explain(database, query, "/a")
    database.close()
    assert [(one.line, one.text) for one in told.predicates][1:] == [
        (2, "properties.enableRBAC == true"),
        (2, "tostring(tags['env']) in~ ('prod', 'test')"),
        (3, "properties.agentPoolProfiles[0].['count'] < 5"),
        (3, "toint(split(properties.kubernetesVersion, '.')[1]) < 31"),
    ]
