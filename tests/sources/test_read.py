"""Walking, Kubernetes lists, charts and overlays, and what cannot be read."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from seawall.core import InputError
from seawall.snapshot import Origin, Unread
from seawall.sources import STDIN, Locator, read_paths
from support import shared

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {}\n"


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def names(snapshot):
    return [item.name for item in snapshot.objects]


@pytest.fixture
def path_with(tmp_path, monkeypatch):
    """Put programs of our own, and nothing else, on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def add(**scripts):
        for name, script in scripts.items():
            (folder / name).write_text("#!/bin/sh\n" + script)
            (folder / name).chmod(0o755)
        monkeypatch.setenv(
            "PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin" if scripts else str(folder)
        )

    monkeypatch.setenv("PATH", str(folder))
    return add


def test_a_folder_is_read_in_stable_order_with_everything_accounted_for(tmp_path):
    write(tmp_path, {
        "b.yaml": POD.format("b1") + "---\n" + POD.format("b2"),
        "a/z.json": json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "az"}}),
        "a/c.yml": POD.format("ac"),
        "README.md": "# hello",
        "values.yaml": "replicas: 3\n",
        ".github/workflows/ci.yaml": "on: push\n",
        ".git/config.yaml": "a: [",
        "package.json": '{"name": "x", "dependencies": {}}',
        "main.bicep": "resource x",
        "empty.yaml": "",
    })  # fmt: skip
    snapshot = read_paths([str(tmp_path)])
    assert names(snapshot) == ["b1", "b2", "ac", "az"]
    assert snapshot.unread == ()
    reasons = {os.path.relpath(item.path, tmp_path): item.reason for item in snapshot.ignored}
    assert set(reasons) == {"README.md", "values.yaml", ".github", "package.json", "main.bicep", "empty.yaml"}
    assert "bicep build" in reasons["main.bicep"]
    assert read_paths([str(tmp_path)]) == snapshot


def test_a_broken_document_leaves_the_others_and_names_its_place(tmp_path):
    write(
        tmp_path,
        {
            "a.yaml": POD.format("a"),
            "m.yaml": POD.format("m1") + "---\nkind: [\n---\n" + POD.format("m2"),
            "z.yaml": POD.format("z"),
        },
    )
    snapshot = read_paths([str(tmp_path)])
    assert names(snapshot) == ["a", "m1", "m2", "z"]
    (broken,) = snapshot.unread
    assert broken.path.startswith(f"{tmp_path}/m.yaml:7:")
    second = next(item for item in snapshot.objects if item.name == "m2")
    assert Locator(snapshot).locate(second.origin, ("metadata", "name")).line == 11


def test_lists_of_every_make(tmp_path):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    inner = {"apiVersion": "v1", "kind": "List", "items": [pod]}
    typed = {
        "apiVersion": "apps/v1",
        "kind": "DeploymentList",
        "metadata": {},
        "items": [{"metadata": {"name": "d"}}],
    }
    crd = {"apiVersion": "example.com/v1", "kind": "AllowList", "metadata": {"name": "own"}, "items": [1]}
    path = tmp_path / "x.json"
    path.write_text(
        json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": [pod, inner, typed, crd, 5, {"a": 1}]}, indent=1
        )
    )
    snapshot = read_paths([str(path)])
    assert [(item.kind, item.name) for item in snapshot.objects] == [
        ("Pod", "p"),
        ("Pod", "p"),
        ("Deployment", "d"),
        ("AllowList", "own"),
    ]
    assert snapshot.objects[1].origin.path == ("items", 1, "items", 0)
    assert snapshot.objects[2].group == "apps"
    assert [item.reason for item in snapshot.unread] == [
        "items[4] of List is not an object",
        "items[5] has no apiVersion and kind",
    ]
    line = Locator(snapshot).locate(snapshot.objects[2].origin, ("metadata", "name")).line
    assert path.read_text().splitlines()[line - 1].strip() == '"name": "d"'


def test_standard_input_is_kept_for_locations():
    snapshot = read_paths(["-"], stdin=io.BytesIO(b"# rendered\n" + POD.format("s").encode()))
    assert snapshot.objects[0].origin == Origin(STDIN)
    place = Locator(snapshot).locate(snapshot.objects[0].origin, ("metadata", "name"))
    assert (place.file, place.line, place.column) == (STDIN, 5, 3)


def test_a_path_that_is_not_there_is_an_error():
    with pytest.raises(InputError, match="no such file"):
        read_paths(["/nowhere/x.yaml"])


def test_what_is_no_file_never_hangs(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop").symlink_to(tmp_path)
    write(tmp_path, {"a.yaml": POD.format("a")})
    (tmp_path / "link.yaml").symlink_to(tmp_path / "a.yaml")
    snapshot = read_paths([str(tmp_path)])
    assert names(snapshot) == ["a"]
    assert [(Path(item.path).name, item.reason) for item in snapshot.unread] == [
        ("gone.yaml", "a symbolic link to nothing"),
        ("pipe.yaml", "a FIFO is not read"),
    ]
    assert {Path(item.path).name for item in snapshot.ignored} == {"loop", "link.yaml"}
    assert read_paths([str(tmp_path / "pipe.yaml")]).unread[0].reason == "a FIFO is not read"
    assert read_paths(["/dev/zero"]).unread == (Unread("/dev/zero", "a character device is not read"),)


def test_a_file_without_permission_is_unread():
    # Root reads everything: as root the question is asked as nobody, in a folder that nobody may enter.
    me = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        write(folder, {"a.yaml": POD.format("a")})
        (folder / "a.yaml").chmod(0)
        try:
            os.seteuid(65534 if me == 0 else me)
            unread = read_paths([name]).unread
        finally:
            os.seteuid(me)
    assert "denied" in unread[0].reason


def test_a_permission_error_is_a_value(tmp_path, monkeypatch):
    write(tmp_path, {"a.yaml": POD.format("a"), "b.yaml": POD.format("b")})
    real = os.open

    def refuse(path, *args, **kwargs):
        if str(path).endswith("a.yaml"):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    snapshot = read_paths([str(tmp_path)])
    assert names(snapshot) == ["b"]
    assert snapshot.unread == (Unread(f"{tmp_path}/a.yaml", "Permission denied"),)


def test_a_huge_file_is_unread_without_being_read(tmp_path):
    with (tmp_path / "huge.json").open("wb") as stream:
        stream.truncate(600 * 1024 * 1024)
    snapshot = read_paths([str(tmp_path)])
    assert "files of up to" in snapshot.unread[0].reason


def test_overlapping_paths_are_read_once(tmp_path):
    write(tmp_path, {"a.yaml": POD.format("a")})
    assert names(read_paths([str(tmp_path), str(tmp_path / "a.yaml"), f"{tmp_path}/../{tmp_path.name}"])) == [
        "a"
    ]


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "chart/values.yaml": "a: 1\n",
    "chart/templates/pod.yaml": "{{ if .Values.a }}\nkind: [\n{{ end }}\n",
    "chart/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
}


def test_a_chart_without_helm_is_one_unread_and_its_templates_are_not_broken_yaml(tmp_path, path_with):
    path_with()
    snapshot = read_paths([str(write(tmp_path / "in", CHART))])
    ((where, reason),) = [(item.path, item.reason) for item in snapshot.unread]
    assert where.endswith("in/chart")
    assert "helm is not on PATH" in reason


def test_a_chart_is_rendered_by_helm(tmp_path, path_with):
    path_with(helm='echo "# $1 $2"; printf "apiVersion: v1\\nkind: Pod\\nmetadata:\\n  name: rendered\\n"')
    snapshot = read_paths([str(write(tmp_path / "in", CHART))])
    assert (names(snapshot), snapshot.unread) == (["rendered"], ())
    assert Locator(snapshot).locate(snapshot.objects[0].origin, ("kind",)).line == 3


def test_a_chart_that_helm_refuses_is_unread(tmp_path, path_with):
    path_with(helm="echo 'Error: no' >&2; exit 1")
    snapshot = read_paths([str(write(tmp_path / "in", CHART))])
    assert snapshot.unread[0].reason == "helm template failed: Error: no"


OVERLAY = {
    "base/kustomization.yaml": "resources: [pod.yaml]\n",
    "base/pod.yaml": POD.format("base"),
    "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\npatches:\n- path: patch.yaml\n",
    "prod/patch.yaml": "- op: add\n  path: /metadata/labels\n  value: {a: b}\n",
}
BUILD = 'printf "apiVersion: v1\\nkind: Pod\\nmetadata:\\n  name: prod-base\\n"'


@pytest.mark.parametrize("program", ["kustomize", "kubectl"])
def test_an_overlay_is_built_and_its_base_counts_once(tmp_path, path_with, program):
    path_with(**{program: BUILD})
    snapshot = read_paths([str(write(tmp_path / "in", OVERLAY))])
    assert (names(snapshot), snapshot.unread) == (["prod-base"], ())


def test_an_overlay_without_the_programs_is_unread_and_its_files_still_count(tmp_path, path_with):
    path_with()
    snapshot = read_paths([str(write(tmp_path / "in", OVERLAY))])
    assert names(snapshot) == ["base"]
    ((where, reason),) = [(item.path, item.reason) for item in snapshot.unread]
    assert where.endswith("prod/kustomization.yaml")
    assert "neither kustomize nor kubectl" in reason


def test_a_kustomization_that_only_lists_files_needs_no_program(tmp_path, path_with):
    path_with()
    snapshot = read_paths([str(write(tmp_path / "in", {key: OVERLAY[key] for key in list(OVERLAY)[:2]}))])
    assert (names(snapshot), snapshot.unread) == (["base"], ())


def test_an_overlay_of_the_network_is_never_fetched(tmp_path, path_with):
    path_with(kustomize="echo 'kind: [' ")
    folder = write(
        tmp_path / "in", {"kustomization.yaml": "resources:\n- https://example.com/x.yaml\nnamePrefix: a\n"}
    )
    snapshot = read_paths([str(folder)])
    assert "https://example.com/x.yaml" in snapshot.unread[0].reason


def test_the_real_estates_read_whole():
    snapshot = read_paths([str(shared("data", "real"))], render=False)
    assert len(snapshot.objects) == 73
    assert [item.path.rpartition("/")[2] for item in snapshot.unread] == [
        "kustomization.yaml"
    ]  # not rendered here
    locator = Locator(snapshot)
    for item in snapshot.objects:
        place = locator.locate(item.origin, ("kind",))
        line = Path(place.file).read_text().splitlines()[place.line - 1]
        assert line[place.column - 1 :].startswith("kind:"), place


def test_every_template_at_hand_reads():
    folder = shared("data", "posture", "checkov-arm-aks")
    snapshot = read_paths([str(folder)])
    assert (snapshot.unread, snapshot.ignored) == ((), ())
    assert {item.origin.file for item in snapshot.resources} == {str(path) for path in folder.rglob("*.json")}


def test_a_process_substitution_is_read():
    script = "from seawall.sources import read_paths; print(len(read_paths(['/dev/stdin']).objects))"
    pod = POD.format("x").encode()
    done = subprocess.run([sys.executable, "-c", script], input=pod, capture_output=True, check=True)
    assert done.stdout == b"1\n"
