"""Random pipelines, put to the KQL engine and to Microsoft's analyser: names and types of columns, and what is refused.

The analyser is a package of npm: `npm install @kusto/language-service-next@12.4.1` in a folder, and SEAWALL_KUSTO names
that folder. It knows columns, not rows; pivot and bag_unpack, whose columns come from rows, are left out.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

from seawall.kql import Database, KqlError, Limits

COLUMNS = {
    "s": "string", "S": "string", "i": "int", "l": "long", "r": "real", "b": "bool", "d": "datetime",
    "t": "timespan", "y": "dynamic", "g": "guid", "m": "decimal",
}  # fmt: skip
ROW = ["a b", "X", 1, 2, 0.5, True, "2020-01-02", "01:02:03", {"k": [1]}, "0" * 31 + "1", "1.5"]
EXPRESSIONS = (
    *COLUMNS, "tolower(s)", "y.k", "y['a b']", "y.k[0]", "y[0]", "l+1", "strcat(s,S)", "tostring(y.k)", "toint(y.k.z)",
    "bin(l,5)", "bin(d,1d)", "1", "'x'", "iff(b,s,S)", "l*r", "d-1d", "startofday(d)", "-l", "array_length(y)",
    "parse_json(s).a", "todatetime(s)", "(y.k)", "['s']", "isnull(y.k)", "not(b)", "s has 'a'", "split(s,'/')",
    "coalesce(s,'x')", "extract('(a)',1,s)", "round(r,1)", "case(b,1,2)", "format_datetime(d,'yyyy')", "pack('a',l)",
    "array_sort_asc(y)", "min_of(l,i)", "dynamic({'a':1}).a", "max_of(r,l)", "hash(s)", "m+l", "bin(m,1)",
)  # fmt: skip
AGGREGATES = (
    "count()", "countif(b)", "dcount(s)", "sum(l)", "sum(r)", "avg(l)", "min(d)", "max(s)", "any(s)", "take_any(s,l)",
    "arg_max(l,s)", "arg_min(d,*)", "make_list(l)", "make_set(s)", "percentile(l,50)", "percentiles(r,5,95)", "stdev(r)",
    "variance(l)", "make_bag(y)", "sumif(l,b)", "count()*2", "round(avg(r),1)", "binary_all_or(i)", "dcountif(s,b)",
    "strcat_array(make_set(s),',')", "array_sort_asc(make_list(l))", "max_of(max(l),1)",
)  # fmt: skip
KINDS = (
    "",
    "kind=inner",
    "kind=leftouter",
    "kind=fullouter",
    "kind=leftanti",
    "kind=rightsemi",
    "kind=rightouter",
)


def _named(choice: random.Random, text: str) -> str:
    return text if choice.random() < 0.7 else f"{choice.choice(('X', 'k', 's', 'Y1', 'Column1'))}={text}"


def _several(choice: random.Random, pool: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(_named(choice, choice.choice(pool)) for _ in range(choice.randint(1, most)))


def _step(choice: random.Random, depth: int = 0) -> str:
    below = f"(T {_step(choice, depth + 1) if depth < 1 else ''})"
    column = choice.choice(tuple(COLUMNS))
    by = f" by {_several(choice, EXPRESSIONS, 2)}" if choice.random() < 0.7 else ""
    return choice.choice(
        (
            f"| project {_several(choice, EXPRESSIONS, 4)}",
            f"| extend {_several(choice, EXPRESSIONS)}",
            f"| summarize {_several(choice, AGGREGATES)}{by}",
            f"| distinct {_several(choice, EXPRESSIONS)}",
            f"| mv-expand {_named(choice, choice.choice(('y', 'y.k', 'parse_json(s)', 'pack_array(l,i)')))}",
            f"| join {choice.choice(KINDS)} {below} on {choice.choice(('s', 'l', 's, l', '$left.s==$right.S'))}",
            f"| lookup {choice.choice(('', 'kind=inner'))} {below} on s",
            f"| union {choice.choice(('', 'withsource=W'))} {below}",
            f"| mv-apply {choice.choice(('y', 'e=y', 'e=y to typeof(long)'))} on (take 1)",
            f"| project-away {choice.choice(('s', 's*', 'S, i'))}",
            f"| project-reorder {choice.choice(('l, s', '* asc', 's*', 'd desc'))}",
            "| project-rename q=s",
            "| parse s with * 'a' x:long 'b' *",
            f"| order by {column} | serialize rn=row_number(), {choice.choice(('prev(s)', 'row_cumsum(l)'))}",
            f"| top 1 by {column}",
            f"| make-series {_named(choice, 'sum(l)')} default=0 on d step 1d{choice.choice(('', ' by s'))}",
            "| getschema",
            "| count",
        )
    )


def _ours(query: str) -> tuple[str, list[list[str]]]:
    database = Database(limits=Limits(seconds=10))
    try:
        database.add_table("T", list(COLUMNS.items()), [ROW])
        return "", [list(column) for column in database.query(query).columns]
    except KqlError as error:
        return error.kind, []
    finally:
        database.close()


def main(count: int = 2000) -> None:
    """Print how many pipelines agree, and those that do not."""
    place = os.environ.get("SEAWALL_KUSTO", "")
    node = shutil.which("node")
    if not place or node is None:
        print("left out: needs Node, and SEAWALL_KUSTO naming a folder with @kusto/language-service-next")
        return
    choice = random.Random(20261121)
    queries = [
        f"T {' '.join(_step(choice) for _ in range(choice.choice((1, 1, 2, 3))))}" for _ in range(count)
    ]
    head = f"let T = datatable({', '.join(f'{name}:{kind}' for name, kind in COLUMNS.items())})[];\n"
    script = str(Path(__file__).with_name("kql_analyser.js"))
    asked = "\n".join(json.dumps(head + query) for query in queries)
    done = subprocess.run([node, script, place], input=asked, capture_output=True, text=True, check=True)
    seen: Counter[str] = Counter()
    for query, line in zip(queries, done.stdout.splitlines(), strict=True):
        theirs = json.loads(line)
        kind, columns = _ours(query)
        if theirs["errors"]:
            verdict = "both refuse" if kind else "only the analyser refuses"
        elif kind:
            verdict = f"only we refuse ({kind})"
        else:
            verdict = "same columns" if columns == theirs["columns"] else "other columns"
        seen[verdict] += 1
        if verdict not in ("both refuse", "same columns"):
            print(f"{verdict}: {query}\n    {theirs['errors'] or theirs['columns']}\n    {columns}")
    print(dict(seen))
