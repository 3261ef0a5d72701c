"""100,000 random and mutated queries: only answers and typed errors, nothing above two seconds.

Run: python -m bench.kql_fuzz [count] [seed]. Pieces of the public queries and of the documentation's are cut,
joined, doubled and altered; the tests run a small part of it.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seawall.kql import Database, KqlError, Limits
from seawall.kql.decide import RESOURCES
from seawall.kql.errors import Fault
from seawall.kql.facts import builtins
from seawall.kql.lexer import tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "posture"
WORDS = (
    "| where ", "| extend ", "| project ", "| summarize ", "| join ", "| mv-expand ", "| order by ", "| take ", "| distinct ", "| union ",
    "| partition by ", "| top-nested 2 of ", " with others = ", "| search ", "| find ", "| parse-kv ", "| project-reorder ", "| as T ", "| scan ",
    "| serialize ", "| invoke ", "| lookup ", "| top ", "| sample-distinct 2 of ", " materialize(", " toscalar(", " matches regex ",
    "| parse ", "| make-series ", "| mv-apply ", "| evaluate ", " on ", " by ", " and ", " or ", " in ", " has ", "(", ")", "[", "]", "{", "}",
    ",", ".", "..", "=", "==", "!=", "=~", "<", "-", "+", "*", "/", "%", "'a'", '"b"', "1", "1.5", "1d", "dynamic([1,2])", "null", "int(null)",
    "datetime(2020-01-01)", "properties", "properties.a.b", "name", "type", "tags", "resources", "true", "now()", "let x = ", ";", "\\", "\0", "é", "`", "//",
)  # fmt: skip


def seeds() -> list[str]:
    """Return the texts that mutations begin with."""
    out = [
        "resources | where type =~ 'a' | extend x = tostring(properties.b) | summarize count() by x | order by x asc"
    ]
    for name in ("arg_queries.jsonl", "kql_doc_cases.jsonl"):
        path = SHARED / name
        if path.exists():
            out.extend(msgspec.json.decode(line)["kql"] for line in path.read_bytes().splitlines())
    return [text for text in out if len(text) < 3000]


def mutate(text: str, texts: list[str], chance: random.Random) -> str:
    """Cut, join, double and alter a text."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at, other = chance.randint(0, len(text)), chance.randint(0, len(text))
        what = chance.choice((0, 1, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5, 6, 7))
        if what == 0:
            text = text[: min(at, other)] + text[max(at, other) :]
        elif what == 1:
            text = text[:at] + chance.choice(WORDS) + text[at:]
        elif what == 2:
            donor = chance.choice(texts)
            cut = chance.randint(0, len(donor))
            text = text[:at] + donor[cut : cut + chance.randint(1, 200)]
        elif what == 3:
            pieces = text.split("|")
            chance.shuffle(pieces)
            text = "|".join(pieces)
        elif what == 4:
            pieces = text.split("|")
            donor_pieces = chance.choice(texts).split("|")
            pieces.insert(chance.randint(0, len(pieces)), chance.choice(donor_pieces))
            text = "|".join(pieces)
        elif what == 5:
            try:
                tokens = tokenize(text)
            except Fault:
                text = chance.choice(texts)
                tokens = tokenize(text)
            one, two = chance.choice(tokens), chance.choice(tokens)
            text = text[: one.pos] + text[two.pos : two.end] + text[one.end :]
        elif what == 6:
            names = list(builtins().functions)
            text = (
                text[:at]
                + f" {chance.choice(names)}({chance.choice(WORDS)},{chance.choice(WORDS)}) "
                + text[at:]
            )
        else:
            text = text[:at] + text[other : other + 40] * chance.randint(1, 6) + text[at:]
    return text[:6000]


def queries(count: int, seed: int) -> Iterator[str]:
    """Yield random queries."""
    chance = random.Random(seed)
    texts = seeds()
    for _ in range(count):
        if chance.random() < 0.1:
            yield "".join(chance.choice(WORDS) for _ in range(chance.randint(1, 30)))
        else:
            yield mutate(chance.choice(texts), texts, chance)


def database() -> Database:
    """Return a small database to ask."""
    out = Database("arg", limits=Limits(seconds=1.0, rows=1000, memory="1GB"))
    rows = [
        [
            f"/s/{i}",
            f"n{i}",
            "a",
            "t",
            "",
            "eu",
            "rg",
            "s",
            "",
            {"name": "x"},
            None,
            {"a": {"b": i}, "list": [1, "2", None]},
            {"k": "v"},
            None,
            ["1"],
            None,
        ]
        for i in range(4)
    ]
    out.add_table("resources", RESOURCES, rows)
    return out


def run(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Ask; returns counts by outcome, and what must not be."""
    outcomes: Counter[str] = Counter()
    broken: list[str] = []
    engine = database()
    for text in queries(count, seed):
        begin = time.perf_counter()
        try:
            engine.query(text)
            outcomes["answer"] += 1
        except KqlError as error:
            outcomes[error.kind] += 1
        except Exception as error:  # noqa: BLE001 - what the fuzzer looks for
            outcomes["crash"] += 1
            broken.append(f"{type(error).__name__}: {str(error)[:160]} <- {text!r}")
        took = time.perf_counter() - begin
        if took > 2.0:
            outcomes["slow"] += 1
            broken.append(f"{took:.1f} s <- {text!r}")
    return outcomes, broken


def main() -> int:
    """Run and report."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    begin = time.perf_counter()
    outcomes, broken = run(count, seed)
    print(f"{count} queries in {time.perf_counter() - begin:.0f} s: {dict(outcomes)}")
    for line in broken[:40]:
        print(line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
