"""Write docs/cel-expressions.md: which of 797 real expressions are taken, and why the others are not.

    python docs/expressions.py [--check]

The expressions are other projects' (shared/data/policy/tables/real-cel-expressions.json, Apache-2.0); the page
has their number, where they are from, a hash, and what became of them: not their text.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from seawall.cel import CompileError, Environment, compile_expression, functions_of
from seawall.cel.types import DYN
from seawall.policy.admission.variables import BASE, OBJECTS

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT.parent / "shared" / "data" / "policy" / "tables" / "real-cel-expressions.json"
PAGE = ROOT / "docs" / "cel-expressions.md"
MINOR = 34
HEAD = """<!-- Made by docs/expressions.py. Do not edit. -->

# Real CEL expressions

{total} expressions of public policies (Kyverno, gatekeeper-library; read 2026-11-20), each compiled as a policy that is
stored in Kubernetes 1.{minor}: with `object`, `oldObject`, `request`, `namespaceObject`, `authorizer`, `params` and
`variables` (of any type), and with `Object{{}}` and `JSONPatch{{}}`. {parsed} parse. {taken} are taken; the others are refused
for what Kubernetes' own server would refuse them for: names and functions that only Kyverno or Gatekeeper has, or types.

| refused because of | expressions |
|---|---|
"""


def environment() -> Environment:
    """Return what an expression of a policy may name, with `variables` of any type."""
    names = {**BASE, "params": DYN, "variables": DYN}
    return Environment(functions_of(MINOR, patches=True), names, OBJECTS, frozenset(), patches=True)


def outcome(text: str, where: Environment) -> tuple[str, str]:
    """Return `taken` and the type, `refused` and why, or `no CEL` and why."""
    try:
        return "taken", str(compile_expression(text, where).type)
    except CompileError as error:
        reason = error.problems[0][1].partition(" (in container")[0]
        return ("no CEL" if reason.startswith("Syntax error") else "refused"), reason


def page(expressions: list[dict[str, Any]]) -> str:
    """Return the page."""
    where = environment()
    rows = [(item["from"], item["cel"], *outcome(item["cel"], where)) for item in expressions]
    reasons = Counter(_sort(reason) for _, _, what, reason in rows if what != "taken")
    counts = Counter(what for _, _, what, _ in rows)
    parsed = len(rows) - counts["no CEL"]
    text = HEAD.format(total=len(rows), minor=MINOR, parsed=parsed, taken=counts["taken"])
    text += "".join(
        f"| {reason} | {number} |\n"
        for reason, number in sorted(reasons.items(), key=lambda r: (-r[1], r[0]))
    )
    text += "\n| # | from | sha256 | outcome | type, or why not |\n|---|---|---|---|---|\n"
    for number, (origin, cel, what, reason) in enumerate(rows):
        digest = hashlib.sha256(cel.encode()).hexdigest()[:12]
        text += f"| {number} | {origin} | {digest} | {what} | {_cell(reason)} |\n"
    return text


def _sort(reason: str) -> str:
    """Return what a reason is about, without the types and places of one expression."""
    if reason.startswith("undeclared reference"):
        return f"a name that Kubernetes does not have: {reason.partition(' to ')[2]}"
    if reason.startswith("found no matching overload"):
        return "types: no overload takes them"
    if reason.startswith("expected type"):
        return "types: literals of one list or map differ"
    return reason.partition(" '")[0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:160]


def main() -> int:
    """Write the page, or say that it is not what it should be."""
    found = page(json.loads(SOURCE.read_text(encoding="utf-8")))
    if "--check" in sys.argv:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != found
        print("stale" if stale else "as it should be")
        return int(stale)
    PAGE.write_text(found, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
