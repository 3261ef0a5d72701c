"""`seawall query KQL PATH...`: KQL over the tables that controls see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from seawall.core.report import Report
    from seawall.kql import Principal, Result
    from seawall.kql.check import Obstacle
    from seawall.kql.lint import Lint
    from seawall.snapshot import Snapshot


@click.command()
@click.argument("text", metavar="KQL", required=False)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(
    "-o",
    "--output",
    type=click.Choice(("table", "json", "csv")),
    default="table",
    show_default=True,
    help="How to show the rows.",
)
@click.option(
    "--profile",
    type=click.Choice(("local", "arg", "log-analytics")),
    default="local",
    show_default=True,
    help="Whose rules the query follows.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.01),
    default=60.0,
    show_default=True,
    help="Give up after this long.",
)
@click.option("--rows", type=click.IntRange(min=1), default=500_000, show_default=True, help="Rows at most.")
@click.option("--as-of", metavar="DATE", help="What now() answers.")
@click.option(
    "--principal",
    metavar="NAME|@FILE",
    help="Who current_principal() says is asking: a name as aaduser=OBJECT;TENANT, or @FILE with the JSON that "
    "current_principal_details() prints, and Groups, a list of names.",
)
@click.option("--tables", is_flag=True, help="List the tables and their columns instead.")
@click.option(
    "--check",
    is_flag=True,
    help="Say why the query would not run under --profile arg or log-analytics; exit 1 if so. No PATH.",
)
@click.option(
    "--lint", is_flag=True, help="Say what is likely wrong with the query; exit 1 for errors and warnings."
)
@click.option(
    "--explain", metavar="ID", help="Say why the row of this id is in the answer, and what would take it out."
)
@click.pass_context
def query(
    ctx: click.Context,
    text: str | None,
    paths: tuple[str, ...],
    output: str,
    profile: str,
    seconds: float,
    rows: int,
    as_of: str | None,
    principal: str | None,
    tables: bool,
    check: bool,
    lint: bool,
    explain: str | None,
) -> None:
    """Run a query over everything found in PATH... KQL is the query, @FILE to read it from a file.

    Tables: resources, pools, containers, pods and more (--tables lists them). A query may start with an
    operator: `where ...` reads `resources`.
    """
    from seawall.cli.output import colour_wanted, emit
    from seawall.core import Exit, FixedClock, SystemClock, UsageError, parse_moment
    from seawall.kql import Limits
    from seawall.sources import read_paths

    if tables:
        emit(_tables())
        return
    if text is None:
        raise UsageError("no query is given", hint="try: seawall query 'resources | take 5' .")
    text = _read_text(text)
    if check or lint:
        remarks, serious = _review(text, profile, check=check, lint=lint)
        emit("".join(remarks) or "nothing speaks against this query\n")
        ctx.exit(Exit.FINDINGS if serious else Exit.CLEAN)
    if not paths:
        raise UsageError("no PATH is given", hint="try: seawall query 'resources | take 5' .")
    snapshot = read_paths(paths)
    now = (FixedClock(parse_moment(as_of)) if as_of else SystemClock()).now()
    how = {
        "profile": profile,
        "limits": Limits(seconds=seconds, rows=rows),
        "principal": _principal(principal) if principal else None,
    }
    if explain is not None:
        emit(_explained(snapshot, text, now, explain, how))
        return
    result = _run(snapshot, text, now, how)
    renderers = {"json": _json, "csv": _csv}
    emit(renderers[output](result) if output in renderers else _table(result, colour=colour_wanted()))
    if result.truncated:
        click.echo(f"seawall: only the first {rows} rows are shown (--rows)", err=True)
    for item in snapshot.unread:
        click.echo(f"seawall: could not be read: {item.path}: {item.reason}", err=True)
    if snapshot.unread:
        ctx.exit(Exit.INCOMPLETE)
    if not snapshot.objects and not snapshot.resources:
        click.echo(f"seawall: nothing was found in {', '.join(paths)}", err=True)
        ctx.exit(Exit.NOTHING)


def _read_text(text: str) -> str:
    """Return the text itself, or the content of @FILE."""
    from pathlib import Path

    from seawall.core import InputError

    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{text[1:]}: {getattr(error, 'strerror', None) or error}", hint="@FILE reads the text from FILE"
        ) from None


def _principal(told: str) -> Principal:
    """Return who asks: the name itself, or the content of @FILE."""
    import msgspec

    from seawall.core import InputError
    from seawall.kql import Principal

    try:
        if not told.startswith("@"):
            return Principal.of(told)
        return Principal.of(msgspec.json.decode(_read_text(told), type=dict[str, Any]))
    except (ValueError, msgspec.DecodeError) as error:
        raise InputError(
            f"--principal {told}: {error}", hint="a name, or @FILE with a JSON object that has FQN"
        ) from None


def _review(text: str, profile: str, *, check: bool, lint: bool) -> tuple[list[str], bool]:
    """Return what speaks against a query, and whether any of it is more than good to know."""
    from seawall.kql.check import obstacles
    from seawall.kql.lint import lint as read_lint

    lines, serious = [], False
    # Resource Graph does more than its page says: `arg` is what was observed, the default what is documented.
    for found in obstacles(text, "arg-documented" if profile == "local" else profile) if check else ():
        lines.append(f"{found.line}:{found.column}: {found.reason}\n{_below(found)}")
        serious = True
    for item in read_lint(text) if lint else ():
        lines.append(
            f"{item.line}:{item.column}: {item.severity} {item.rule}: {item.message}\n{_below(item)}"
        )
        serious |= item.severity != "info"
    return lines, serious


def _below(item: Lint | Obstacle) -> str:
    return "".join(f"{part}\n" for part in (item.excerpt.rstrip(), item.hint and f"  {item.hint}") if part)


def _explained(snapshot: Snapshot, text: str, now: datetime, row: str, how: dict[str, Any]) -> str:
    """Tell which predicates decided a row, and the smallest change that would take it out."""
    from seawall.controls import open_database
    from seawall.kql import rest
    from seawall.kql.explain import explain
    from seawall.snapshot.tables import Estate

    database = open_database(Estate(snapshot), [text], now, **how)
    found = explain(database, text, row)
    lines = [f"{found.row_id} is {'' if found.included else 'not '}in the answer ({found.table})"]
    for item in found.predicates:
        mark = {True: "holds", False: "does not hold", None: "is null"}[item.held]
        seen = f"; {item.path} is {rest.text(item.observed, '') or 'absent'}" if item.path else ""
        lines.append(f"  line {item.line}: {item.text}: {mark}{seen}")
    told = "smallest change that takes it out"
    for change in found.changes:
        before, after = (_value(value) for value in (change.before, change.after))
        lines.append(f"  {told}: {change.path} from {before} to {after}")
        told = "and with it"
    if found.included and not found.changes:
        lines.append("  no change of its properties that was tried takes it out")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """Write a value before or after a change: what is absent is said, and an empty text is seen."""
    from seawall.kql import rest

    return "absent" if value is None else rest.text(value, "") or "''"


def _run(snapshot: Snapshot, text: str, now: datetime, how: dict[str, Any]) -> Result:
    """Load what the query names and run it; `findings` is assessed first, where the query asks for it."""
    import re

    from seawall.controls import Catalogue, Options, assess, open_database
    from seawall.controls.facts import FACT_TABLES
    from seawall.controls.tables import is_built
    from seawall.core import NotBuiltError
    from seawall.kql import KqlError
    from seawall.snapshot.tables import FINDINGS, TABLES, Estate

    words = {word.lower() for word in re.findall(r"\w+", text)}
    database = open_database(Estate(snapshot), [text], now, **how)
    if FINDINGS.name in words:
        report = assess(snapshot, Catalogue(), Options(now=now, include_passed=True))
        schema = [(column.name, column.type) for column in FINDINGS.columns]
        database.add_table(FINDINGS.name, schema, _finding_rows(report))
    try:
        return database.query(text)
    except KqlError:
        later = sorted(name for name in words & TABLES.keys() if not is_built(name))
        if later and not words & FACT_TABLES.keys():
            raise NotBuiltError(
                f"the table {later[0]!r} is not built in this version", hint=TABLES[later[0]].meaning
            ) from None
        raise


def _finding_rows(report: Report) -> Iterator[tuple[Any, ...]]:
    for item in report.findings:
        evidence = item.evidence[0] if item.evidence else None
        place = item.locations[0] if item.locations else None
        yield (
            item.subject.id,
            item.control,
            item.chapter,
            item.subject.kind,
            item.subject.namespace,
            item.subject.name,
            item.outcome.value,
            item.severity.value,
            item.confidence.value,
            item.message,
            evidence.path if evidence else "",
            evidence.observed if evidence else None,
            evidence.expected if evidence else None,
            place.file if place else "",
            place.line if place else None,
            item.fingerprint,
        )


def _tables() -> str:
    """List every table with its columns."""
    from seawall.controls.facts import FACT_TABLES
    from seawall.controls.tables import is_built, table_names
    from seawall.controls.tables import table as table_of_name

    lines: list[str] = []
    for table in map(table_of_name, table_names()):
        built = is_built(table.name)
        lines.append(f"{table.name}{'' if built else '  (not built in this version)'}: {table.meaning}")
        if built:
            lines += [f"    {column.name:<20} {column.type:<9} {column.meaning}" for column in table.columns]
        lines.append("")
    for name, facts in FACT_TABLES.items():
        lines.append(f"{name}: {facts.meaning} Read on {facts.read_on()}.")
        lines += [f"    {column:<20} {kind}" for column, kind in facts.columns]
        lines.append("")
    return "\n".join(lines)


def _texts(result: Result) -> Iterator[list[str]]:
    """Write each row for a person: times in Kusto's form, dynamic cells as JSON, a null as nothing."""
    from seawall.kql import rest

    kinds = [kind for _, kind in result.columns]
    for row in result.rows:
        yield [rest.text(value, kind) for value, kind in zip(row, kinds, strict=True)]


def _json(result: Result) -> str:
    """One object a row, in a list; columns of one name twice would be lost, so they get a number."""
    import msgspec

    from seawall.kql import rest

    names: list[str] = []
    for name, _ in result.columns:
        candidate, count = name, 1
        while candidate in names:
            candidate, count = f"{name}{count}", count + 1
        names.append(candidate)
    rows = [dict(zip(names, row, strict=True)) for row in rest.rows(result.rows, result.columns)]
    encoded = msgspec.json.encode(rows, enc_hook=str)
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _csv(result: Result) -> str:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([name for name, _ in result.columns])
    writer.writerows(_texts(result))
    return out.getvalue()


def _table(result: Result, *, colour: bool) -> str:
    """Aligned columns, nothing cut: a pipe gets the whole text."""
    head = [name for name, _ in result.columns]
    cells = [[" ".join(cell.split()) for cell in row] for row in _texts(result)]
    numeric = [kind in {"int", "long", "real", "decimal"} for _, kind in result.columns]
    widths = [max([len(name), *(len(row[n]) for row in cells)]) for n, name in enumerate(head)]

    def line(row: list[str]) -> str:
        parts = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        return "  ".join(parts).rstrip()

    title = line(head)
    count = f"{len(cells)} row{'' if len(cells) == 1 else 's'}"
    body = "\n".join([f"\x1b[1m{title}\x1b[0m" if colour else title, *(line(row) for row in cells)])
    return f"{body}\n\n{count}\n" if colour else f"{body}\n"
