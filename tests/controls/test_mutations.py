"""Changing a deciding field flips the controls that name it, and no others.

Starts from an estate in which everything passes; each field that any control names is changed in many ways,
and every control is asked again.
"""

from __future__ import annotations

import re
from functools import cache

import pytest

from seawall.controls import Catalogue, Options, assess
from seawall.core import Outcome
from seawall.snapshot import Snapshot
from seawall.snapshot.paths import parse_path
from support.estates import CLUSTER_ID, NOW, snapshot_of
from support.golden import GRANT, NAMESPACES, NETWORK, OWNER, golden

CATALOGUE = Catalogue()
SUBJECTS = frozenset({"cluster", "pool", "container", "pod"})
JUDGED = {
    control.id: control
    for control in CATALOGUE.controls.values()
    if control.header.subject in SUBJECTS and control.header.decides == "query" and control.header.fields
}
GONE = object()
VALUES = (
    GONE,
    True,
    False,
    "None",
    "no",
    "1",
    [],
    0,
    ["*"],
    "default",
    "nginx:latest",
    "1.20.1",
    "AKSUbuntu-2204gen2containerd-202501.06.0",
    "AKSWindows-2022-containerd-20348.1.250101",
    "Standard_D4s_v5",
    "AvailabilitySet",
    [{"hostPort": 80}],
    [{"name": "h", "hostPath": {"path": "/"}}],
    [{"name": "DB_PASSWORD", "value": "not-a-real-one"}],
    [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}],
    [{"secretRef": {"name": "a"}}],
    {"type": "Unconfined"},
    {"add": ["SYS_ADMIN"]},
    ["0.0.0.0/0"],
    [{"name": "big", "count": 5000, "maxPods": 110, "vnetSubnetID": "/subscriptions/0/subnets/aks"}],
)
ROOT = {
    "pool": ("cluster", "properties", "agentPoolProfiles", 0),
    "windows": ("cluster", "properties", "agentPoolProfiles", 1),
    "container": ("objects", 0, "spec", "template", "spec", "containers", 0),
    "pod": ("objects", 0, "spec", "template", "spec"),
}


def place(control, field):
    """Return where a control's field stands in the estate; `[*]` is shown by the first."""
    field = field.replace("[*]", "[0]")
    subject = control.header.subject
    if subject == "cluster" or field.startswith("cluster."):
        return ("cluster", *parse_path(field.removeprefix("cluster.")))
    if subject == "pod" and field.startswith(("spec.", "metadata.")):
        return ("objects", 0, *parse_path(field))
    root = "windows" if "windows" in control.id else subject
    return (*ROOT[root], *parse_path(field))


def changed(path, value, number):
    """Return the golden estate with one place changed, its subjects named by a number of their own."""
    given = golden()
    given["cluster"] |= {"id": f"{CLUSTER_ID}-{number}", "name": f"aks-{number}"}
    given["objects"][0]["metadata"]["name"] = f"web-{number}"
    target = given
    for step in path[:-1]:
        target = target.setdefault(step, {}) if isinstance(target, dict) else target[step]
    if value is GONE:
        target.pop(path[-1], None)
    else:
        target[path[-1]] = value
    return given


def failing(estates):
    """Return, for each estate, the controls that do not pass everywhere: all estates in one assessment."""
    snapshots = [snapshot_of(given) for given in estates]
    whole = Snapshot(
        objects=(
            *(item for one in snapshots for item in one.objects),
            *snapshot_of({"objects": NAMESPACES}).objects,
        ),
        resources=(
            *(item for one in snapshots for item in one.resources),
            *snapshot_of({"resources": [NETWORK, GRANT, OWNER]}).resources,
        ),
    )
    report = assess(whole, CATALOGUE, Options(now=NOW, locate=False))
    assert not [item for item in report.coverage if item.error]
    found = [set() for _ in estates]
    for item in report.findings:
        if item.control in JUDGED and item.outcome in {Outcome.FAIL, Outcome.UNKNOWN, Outcome.MANUAL}:
            found[int(re.search(r"(?:aks|web)-(\d+)", item.subject.id)[1])].add(item.control)
    return found


@cache
def flips():
    """Return, for each place that a control names, which controls each change flips."""
    places = {place(control, field) for control in JUDGED.values() for field in control.header.fields}
    changes = [(path, value) for path in sorted(places, key=repr) for value in VALUES]
    estates = [changed(path, value, number) for number, (path, value) in enumerate(changes)]
    result = {}
    for (path, value), flipped in zip(changes, failing(estates), strict=True):
        result.setdefault(path, []).append((value, flipped))
    return result


def near(first, second):
    length = min(len(first), len(second))
    return first[:length] == second[:length]


def test_everything_passes_before_anything_is_changed():
    assert failing([changed(("objects", 0, "kind"), "Deployment", 0)]) == [set()]


@pytest.mark.parametrize("name", JUDGED)
def test_a_deciding_field_flips_its_controls_and_no_others(name):
    control = JUDGED[name]
    flipped_here = False
    for field in control.header.fields:
        path = place(control, field)
        # A control may read a field for the pools of either system: any pool's field counts as named.
        named = {
            other
            for other, candidate in JUDGED.items()
            if any(near(generic(place(candidate, item)), generic(path)) for item in candidate.header.fields)
        }
        for value, flipped in flips()[path]:
            assert flipped <= named, f"{field} = {value!r} flips {flipped - named}, which do not name it"
            flipped_here |= name in flipped
    assert flipped_here, f"no change of {control.header.fields} makes {name} fail"


def generic(path):
    return tuple("*" if isinstance(step, int) else step for step in path)
