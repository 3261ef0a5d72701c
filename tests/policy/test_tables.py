from __future__ import annotations

from types import SimpleNamespace

from seawall.policy.tables import COLUMNS, pod_security_rows


def _estate(*objects):
    pairs = []
    for raw in objects:
        item = SimpleNamespace(raw=raw, kind=raw["kind"], group=raw["apiVersion"].rpartition("/")[0])
        subject = SimpleNamespace(id=f"{raw['kind']}/d/x", namespace="d", name="x", kind=raw["kind"])
        pairs.append((subject, item))
    return SimpleNamespace(objects=pairs)


def test_a_row_for_every_check_of_both_levels():
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "spec": {"template": {"spec": {"hostPID": True, "containers": [{"name": "a"}]}}},
    }  # fmt: skip
    rows = list(pod_security_rows(_estate(deployment, {"apiVersion": "v1", "kind": "Secret"})))
    width = len(COLUMNS.strip().splitlines())
    assert {len(row) for row in rows} == {width}
    failed = {(row[3], row[4]) for row in rows if row[6] is False}
    assert ("baseline", "hostNamespaces") in failed
    assert ("restricted", "runAsNonRoot") in failed
    assert ("baseline", "privileged") not in failed
    # At the newest version baseline has 12 checks, restricted 12 + 7 less the 4 that it overrides.
    assert len(rows) == 12 + 15


def test_what_cannot_be_read_is_unknown():
    rows = list(pod_security_rows(_estate({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": 3}})))
    assert {row[6] for row in rows} == {None}
