"""The standards against the reference program, and the traps that tools fall into.

`reference.jsonl` holds 600 random pods of our own making, each with a level and a version from v1.0 to
v1.40 or latest, and the reasons and details that k8s.io/pod-security-admission v0.37.2 answered
(2026-11-21; 30,000 others agreed in the same run, and so did its 4,537 fixtures).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seawall.core.errors import InputError
from seawall.policy.podsecurity import LATEST, NEWEST, checks, evaluate, judge, parse_version, standard
from seawall.policy.podsecurity.pod import Pod
from seawall.policy.podsecurity.words import go_quote

REFERENCE = Path(__file__).with_name("reference.jsonl").read_text(encoding="utf-8").splitlines()


def _pod(**spec):
    return {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}], **spec}}


def test_the_reference_gives_the_same_words():
    different = []
    for line in REFERENCE:
        case = json.loads(line)
        pod = Pod(case["object"]["metadata"], case["object"]["spec"])
        found = [[v.reason, v.detail] for v in judge(pod, case["level"], parse_version(case["version"]))]
        if found != case["expected"]:
            different.append((line, found))
    assert len(REFERENCE) == 600
    assert different == []


def test_baseline_comes_before_restricted_each_sorted():
    ids = [check.id for check in checks()]
    assert len(ids) == 12 + 7
    assert ids == sorted(ids[:12]) + sorted(ids[12:])


def test_restricted_overrides_what_it_makes_stricter():
    ids = {entry[0] for entry in standard("restricted", NEWEST)}
    assert not ids & {"capabilities_baseline", "hostPathVolumes", "procMount", "seccompProfile_baseline"}
    assert "procMount" in {entry[0] for entry in standard("restricted", 34)}


def test_versions_above_the_newest_are_the_newest():
    assert standard("restricted", 99) == standard("restricted", LATEST) == standard("restricted", NEWEST)


@pytest.mark.parametrize(
    "text", ["v1.01", "1.34", "v2.0", "v1.", "v1.-1", "", "Latest", "v1.3\n", "v1.99999999999999999999"]
)
def test_what_is_no_version(text):
    assert parse_version(text) is None


def test_a_volume_without_a_source_is_an_empty_dir():
    assert "restrictedVolumes" not in {v.check for v in evaluate(_pod(volumes=[{"name": "v"}]), "restricted")}
    found = {v.check: v.detail for v in evaluate(_pod(volumes=[{"name": "v", "new": {}}]), "restricted")}
    assert found["restrictedVolumes"] == 'volume "v" uses restricted volume type "unknown"'


def test_ports_of_a_pod_in_the_host_network_are_host_ports_and_a_templates_are_not():
    pod = _pod(hostNetwork=True, containers=[{"name": "a", "ports": [{"containerPort": 80}]}])
    assert ("hostPort", 'container "a" uses hostPort 80') in [v[1:] for v in evaluate(pod, "baseline")]
    deployment = {"kind": "Deployment", "spec": {"template": {"spec": pod["spec"]}}}
    assert [v.check for v in evaluate(deployment, "baseline")] == ["hostNamespaces"]


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "Pod", "spec": {"containers": "x"}},
        {"kind": "Pod", "spec": {"containers": [3]}},
        {"kind": "Pod", "spec": {"securityContext": [1]}},
        {"kind": "Secret"},
        {"kind": ["Pod"]},
    ],
)
def test_what_is_no_pod_is_said(broken):
    with pytest.raises(InputError):
        evaluate(broken, "restricted")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a", '"a"'), ('q"\\', '"q\\"\\\\"'), ("\n\x01\x7f", '"\\n\\x01\\x7f"'), ("\u200bé", '"\\u200bé"')],
)
def test_go_quotes_like_this(text, shown):
    assert go_quote(text) == shown
