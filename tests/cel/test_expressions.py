"""The table of 797 real expressions (docs/cel-expressions.md) says what the code does, and holds no expression."""

from __future__ import annotations

import json
import subprocess
import sys

from support import ROOT, shared


def test_the_table_is_what_the_code_does():
    shared("data", "policy", "tables", "real-cel-expressions.json")
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "expressions.py"), "--check"],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "as it should be\n"), done.stderr


def test_no_expression_is_in_the_page():
    source = shared("data", "policy", "tables", "real-cel-expressions.json")
    page = (ROOT / "docs" / "cel-expressions.md").read_text(encoding="utf-8")
    long = [item["cel"] for item in json.loads(source.read_text(encoding="utf-8")) if len(item["cel"]) > 40]
    assert len(long) > 400
    assert [cel for cel in long if cel in page] == []
