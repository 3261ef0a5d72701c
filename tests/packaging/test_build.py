"""packaging/controlplane/build.sh, with a `go` that builds a sentence: what it prints, keeps and survives."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support import ROOT

FOLDER = ROOT / "packaging" / "controlplane"
VERSION = re.search(r"^\tk8s\.io/kubernetes (v\S+)$", (FOLDER / "go.mod").read_text(), re.MULTILINE)[1]
TOOLS = [
    "bash",
    "env",
    "sed",
    "uname",
    "cut",
    "cat",
    "dirname",
    "sha256sum",
    "shasum",
    "mkdir",
    "mktemp",
    "rm",
    "flock",
    "tail",
    "nice",
    "ln",
    "mv",
    "wc",
    "sleep",
    "chmod",
    "sh",
]

GO = """#!/bin/sh
case "$1 $2" in
"env GOVERSION") echo go0 ;;
"mod download") test -z "$NO_NETWORK" || { echo "dial tcp: no network" >&2; exit 1; } ;;
build*)
  echo built >> "$CALLS"
  sleep 0.3
  test -z "$BROKEN" || { echo "main.go:1:1: syntax error" >&2; exit 1; }
  while [ "$1" != -o ]; do shift; done
  echo "#!/bin/sh" > "$2"; echo "echo Kubernetes $SAYS" >> "$2"; chmod +x "$2" ;;
esac
"""


@pytest.fixture
def environ(tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (tools / tool).symlink_to(found)
    (tmp_path / "go").write_text(GO)
    (tmp_path / "go").chmod(0o755)
    return {
        "PATH": str(tools),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "CALLS": str(tmp_path / "calls"),
        "SAYS": VERSION,
    }


@pytest.fixture
def with_go(environ, tmp_path):
    (tmp_path / "tools" / "go").symlink_to(tmp_path / "go")
    return environ


def build(environ, *arguments, folder=FOLDER):
    return subprocess.run(
        [str(folder / "build.sh"), *arguments], env=environ, capture_output=True, text=True, check=False
    )


def where(environ, **options):
    return Path(build(environ, "--where", **options).stdout.strip())


def test_without_go_if_possible_says_so_in_one_line_and_succeeds(environ):
    done = build(environ, "--if-possible")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert "not built: Go is not on PATH" in line
    assert not where(environ).exists()


def test_without_go_it_fails(environ):
    done = build(environ)
    assert done.returncode == 1
    assert "Go is not on PATH" in done.stderr


def test_without_the_modules_if_possible_succeeds_and_a_plain_build_fails(with_go):
    with_go["NO_NETWORK"] = "1"
    for arguments, code in (["--if-possible"], 0), ([], 1):
        done = build(with_go, *arguments)
        assert done.returncode == code
        assert "not built: dial tcp: no network" in done.stderr


def test_a_source_that_does_not_compile_fails_even_if_possible(with_go):
    done = build(with_go | {"BROKEN": "1"}, "--if-possible")
    assert done.returncode == 1
    assert "syntax error" in done.stderr
    assert not [path for path in where(with_go).iterdir() if not path.name.startswith(".lock")], (
        "nothing half-built"
    )


def test_it_builds_once_and_then_does_nothing(with_go):
    folder = where(with_go)
    assert folder.parent == Path(with_go["XDG_CACHE_HOME"], "seawall", "controlplane")
    assert folder.name.startswith(f"{VERSION}-")
    done = build(with_go)
    assert (done.returncode, done.stdout) == (0, "")
    assert re.search(rf"built in \d+ s, \d+ MB: {re.escape(str(folder))}", done.stderr)
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"):
        said = subprocess.run([str(folder / name)], capture_output=True, text=True, check=True)
        assert said.stdout == f"Kubernetes {VERSION}\n"
    again = build(with_go)
    assert (again.returncode, again.stderr) == (0, f"control plane: already built: {folder}\n")
    assert Path(with_go["CALLS"]).read_text() == "built\n"


def test_two_at_once_both_succeed(with_go):
    running = [
        subprocess.Popen([str(FOLDER / "build.sh")], env=with_go, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    left = {path.name for path in where(with_go).iterdir()} - {".lock"}
    assert left == {
        "seawall-controlplane",
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubectl",
    }
    if shutil.which("flock"):
        assert Path(with_go["CALLS"]).read_text() == "built\n", "the second waited for the first"


def test_a_binary_that_calls_itself_otherwise_is_not_kept(with_go):
    done = build(with_go | {"SAYS": "v0.0.0-master"})
    assert done.returncode == 1
    assert f"says 'Kubernetes v0.0.0-master' where 'Kubernetes {VERSION}' was built" in done.stderr
    assert not (where(with_go) / "seawall-controlplane").exists()


@pytest.mark.parametrize("file", ["main.go", "go.sum", "go.mod"])
def test_the_key_follows_the_sources(environ, tmp_path, file):
    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy)
    assert where(environ, folder=copy) == where(environ), (
        "another checkout of the same sources shares the build"
    )
    with (copy / file).open("a") as changed:
        changed.write("\n")
    assert where(environ, folder=copy) != where(environ)


@pytest.mark.parametrize("arguments", [["--fast"], ["--where", "--if-possible"]])
def test_unknown_arguments_are_refused(environ, arguments):
    done = build(environ, *arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr
