"""Generate docs/reference from the code, or check that it is what the code says (`--check`)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from seawall.cli.app import app
from seawall.cli.commands import COMMANDS
from seawall.cli.config import schema as config_schema
from seawall.cli.controls import explain
from seawall.controls import Catalogue
from seawall.controls.facts import FACT_TABLES
from seawall.controls.tables import is_built, table_names
from seawall.controls.tables import table as table_of_name
from seawall.core import Exit
from seawall.report import FORMATS
from seawall.report.json import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Made by docs/generate.py from the code: `make docs`. Do not edit. -->\n\n"

EXITS = {
    Exit.CLEAN: "nothing at or above `--fail-on`",
    Exit.FINDINGS: "findings at or above `--fail-on`",
    Exit.USAGE: "usage, configuration or input error",
    Exit.NOTHING: "nothing to check was found",
    Exit.INCOMPLETE: "incomplete: something could not be read, or a control could not run",
    Exit.INTERNAL: "internal error: a bug in Seawall",
}


def pages() -> Iterator[tuple[str, str]]:
    """Yield (file name, content) of every generated page."""
    yield "cli.md", NOTE + command_line()
    yield "tables.md", NOTE + tables()
    yield "controls.md", NOTE + coverage_matrix()
    for control in Catalogue().controls.values():
        yield f"controls/{control.id}.md", NOTE + explain(control)
    encoded = msgspec.json.format(msgspec.json.encode(schema()), indent=2)
    yield "report.schema.json", encoded.decode() + "\n"
    encoded = msgspec.json.format(msgspec.json.encode(config_schema(app)), indent=2)
    yield "config.schema.json", encoded.decode() + "\n"


def command_line() -> str:
    """Describe every command by its own --help."""
    parts = ["# The command line\n", f"```\n{_help(app, 'seawall')}```\n"]
    context = click.Context(app, info_name="seawall")
    for name in COMMANDS:
        command = app.get_command(context, name)
        if command is not None:
            parts += _pages(command, f"seawall {name}")
    parts += ["## Exit codes\n", "| code | meaning |\n|---|---|"]
    parts += [f"| {int(code)} | {meaning} |" for code, meaning in EXITS.items()]
    parts += ["\n## Formats\n", "| format | what it is for |\n|---|---|"]
    parts += [f"| `{name}` | {meaning} |" for name, meaning in FORMATS.items()]
    return "\n".join(parts) + "\n"


def _pages(command: click.Command, name: str) -> list[str]:
    """Describe a command, then those below it."""
    parts = [f"## {name}\n", f"```\n{_help(command, name)}```\n"]
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                parts += _pages(found, f"{name} {below}")
    return parts


def _help(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name, max_content_width=100, terminal_width=100)
    return command.get_help(context) + "\n"


def tables() -> str:
    """Describe every table and column."""
    parts = ["# Tables\n", "What `seawall query` and controls see.\n"]
    for table in map(table_of_name, table_names()):
        parts.append(f"## {table.name}\n\n{table.meaning}\n")
        if not is_built(table.name):
            parts.append("Not built in this version: a query of it says so.\n")
            continue
        parts.append("| column | type | what stands in it |\n|---|---|---|")
        parts += [f"| `{item.name}` | {item.type} | {item.meaning} |" for item in table.columns]
        parts.append("")
    for name, facts in FACT_TABLES.items():
        parts.append(f"## {name}\n\n{facts.meaning} Read on {facts.read_on()}.\n")
        parts.append("| column | type |\n|---|---|")
        parts += [f"| `{column}` | {kind} |" for column, kind in facts.columns]
        parts.append("")
    return "\n".join(parts)


def coverage_matrix() -> str:
    """List every control with what it maps to."""
    controls = list(Catalogue().controls.values())
    frameworks = sorted({name for control in controls for name in control.header.mappings})
    parts = [
        "# Controls\n",
        f"{len(controls)} controls. `*` marks a mapping that nobody has checked against the framework's text.\n",
        f"| control | alias | chapter | severity | {' | '.join(frameworks)} |",
        f"|{'---|' * (4 + len(frameworks))}",
    ]
    for control in controls:
        header = control.header
        cells = []
        for framework in frameworks:
            mark = "*" if framework in header.unverified and header.mappings.get(framework) else ""
            cells.append(", ".join(header.mappings.get(framework, ())) + mark)
        link = f"[`{header.id}`](controls/{header.id}.md)"
        row = (link, ", ".join(header.aliases), header.chapter, header.severity.value, *cells)
        parts.append(f"| {' | '.join(row)} |")
    return "\n".join(parts) + "\n"


def main() -> int:
    """Write the pages, or with --check name those that are stale."""
    check = "--check" in sys.argv[1:]
    wanted = dict(pages())
    stale = []
    for name, content in wanted.items():
        path = REFERENCE / name
        if path.is_file() and path.read_text(encoding="utf-8") == content:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    known = {str(path.relative_to(REFERENCE)) for path in REFERENCE.rglob("*") if path.is_file()}
    for name in sorted(known - set(wanted)):
        stale.append(name)
        if not check:
            (REFERENCE / name).unlink()
    if check and stale:
        print(f"docs/reference is not what the code says: {', '.join(stale)}. Run: make docs")
        return 1
    print(f"docs/reference: {len(wanted)} pages, {len(stale)} {'stale' if check else 'written'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
