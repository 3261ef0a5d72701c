from __future__ import annotations

import subprocess
import sys

import pytest

from seawall import __version__
from support.command import seawall

HEAVY = {
    "duckdb",
    "_duckdb",
    "yaml",
    "yaml_rs",
    "rich",
    "msgspec",
    "numpy",
    "seawall.kql",
    "seawall.controls",
}


def imported(*arguments):
    """Return the modules that a run of the command line imports."""
    script = (
        "import os, sys, atexit; sys.argv = ['seawall', *sys.argv[1:]]; os._exit = sys.exit;"
        "atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr));"
        "from seawall.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    return set(done.stderr.split())


def test_version():
    done = seawall("--version")
    assert (done.returncode, done.stdout) == (0, f"seawall {__version__}\n")


def test_version_imports_no_more_than_it_needs():
    modules = imported("--version")
    assert not modules & (HEAVY | {"click"})


def test_help_imports_nothing_heavy():
    modules = imported("--help")
    assert "click" in modules
    assert not modules & HEAVY


def test_a_command_that_is_not_there_names_the_nearest():
    done = seawall("asses")
    assert done.returncode == 2
    assert "Did you mean 'assess'?" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("assess", ".", "--fail-onn", "high"), "--fail-on"),
        (("assess", ".", "--fail-on", "hihg"), "'high'"),
        (("assess", ".", "-o", "jsn"), "'json'"),
        (("assess", ".", "-o", "sarif="), "-o sarif=FILE"),
        (("assess", ".", "-o", "json", "-o", "csv"), "standard output"),
        (("assess", ".", "--control", "rbac-enabeld"), "'rbac-enabled'"),
        (("assess", ".", "--chapter", "acces"), "access"),
        (("assess", ".", "--as-of", "tomorrow"), "2026-11-21"),
        (("assess",), "seawall assess ."),
        (("assess", "/there/is/no/such/path"), "/there/is/no/such/path"),
        (("assess", ".", "--waivers", "/no/such/file"), "/no/such/file"),
        (("assess", ".", "--baseline", "/no/such/file"), "/no/such/file"),
        (("query", "resources", "."), None),
        (("decide", "acces"), "'access'"),
        (("controls", "rbac-enabeld"), "'rbac-enabled'"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_what_would_be_right(arguments, hint, tmp_path):
    done = seawall(*arguments, cwd=tmp_path)
    if hint is None:
        # An empty folder is no wrong call.
        assert done.returncode == 3
        return
    assert done.returncode == 2
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-m", "seawall", "assess", "examples/contoso", "-o", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as writer:
        writer.stdout.read(10)
        writer.stdout.close()
        assert b"Traceback" not in writer.stderr.read()
    assert writer.returncode in {1, 4, 141}
