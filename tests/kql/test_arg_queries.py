"""The 391 public Resource Graph queries of specs/posture.md run as written."""

from __future__ import annotations

import msgspec
import pytest

from seawall.kql import Database
from seawall.kql.decide import RESOURCES
from support import shared

TABLES = (
    "resources", "resourcecontainers", "advisorresources", "appserviceresources", "cdnresources", "dnsresources",
    "insightsresources", "maintenanceresources", "policyresources", "recoveryservicesresources", "resourcechanges",
    "healthresources", "desktopvirtualizationresources", "networkresources", "authorizationresources",
    "patchassessmentresources", "securityresources", "alertsmanagementresources", "servicehealthresources",
    "orbitalresources", "computeresources", "chaosresources",
)  # fmt: skip


@pytest.fixture(scope="module")
def queries():
    lines = shared("data", "posture", "arg_queries.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line) for line in lines]


@pytest.fixture(scope="module")
def database():
    database = Database("arg")
    for name in TABLES:
        database.add_table(name, RESOURCES, [])
    yield database
    database.close()


def test_all_391_queries_run_over_empty_tables(queries, database):
    assert len(queries) == 391
    for query in queries:
        result = database.query(query["kql"])
        assert result.columns
        assert result.rows == [] or "summarize" in query["kql"]
