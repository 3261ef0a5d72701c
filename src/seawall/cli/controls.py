"""`seawall controls [ID]`: the catalogue, or one control explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from seawall.controls import Catalogue, Control

_ARTICLE = {"az": "az (Azure CLI)", "bicep": "Bicep", "kubectl": "kubectl", "terraform": "Terraform"}


@click.command()
@click.argument("name", required=False, metavar="[ID]")
@click.option(
    "-o",
    "--output",
    type=click.Choice(("table", "json", "markdown")),
    default="table",
    show_default=True,
    help="How to show it.",
)
@click.option("--chapter", metavar="NAME", help="Only the controls of this chapter.")
@click.option(
    "--catalogue", "catalogues", multiple=True, metavar="FOLDER", help="More controls: FOLDER/CHAPTER/ID.kql."
)
def controls(name: str | None, output: str, chapter: str | None, catalogues: tuple[str, ...]) -> None:
    """List the controls, or explain the one called ID: why it matters, how it is decided, how to mend it.

    ID may be an SW- alias.
    """
    from seawall.cli.output import emit
    from seawall.controls import Catalogue

    catalogue = Catalogue.with_extra(catalogues)
    if name:
        control = catalogue.find(name)
        if output == "json":
            emit(_json(_entry(control) | {"query": control.query.strip()}))
        else:
            emit(explain(control))
        return
    chosen = [item for item in catalogue.controls.values() if chapter in (None, item.header.chapter)]
    if output == "json":
        emit(_json([_entry(item) for item in chosen]))
    else:
        emit(_table(chosen) + _broken(catalogue))


def explain(control: Control) -> str:
    """Tell a control's whole story, as Markdown that reads well as text."""
    header = control.header
    lines = [f"# {header.id}", "", f"{header.title}.", ""]
    lines += [f"Severity {header.severity.value}, chapter {header.chapter}, profile {header.profile}."]
    if header.aliases:
        lines.append(f"Also called {', '.join(header.aliases)}.")
    lines += ["", "## Why it matters", "", header.why.strip(), "", "## How it is decided", ""]
    if header.decides == "manual":
        lines += ["By a person. Evidence to look at:", "", header.evidence.strip(), ""]
    if header.fields:
        lines += [f"Deciding fields: {', '.join(f'`{field}`' for field in header.fields)}.", ""]
    lines += ["```kql", control.query.strip(), "```", ""]
    if header.fixes:
        lines += ["## How to mend it", ""]
        for language, text in header.fixes.items():
            lines += [f"### {_ARTICLE.get(language, language)}", "", "```", text.strip(), "```", ""]
    if header.mappings:
        lines += ["## Mappings", ""]
        for framework, ids in header.mappings.items():
            note = " (not verified)" if framework in header.unverified else ""
            lines.append(f"- {framework}: {', '.join(ids)}{note}")
        lines.append("")
    if header.references:
        lines += ["## Where it is written", "", *(f"- {item}" for item in header.references), ""]
    return "\n".join(lines)


def _entry(control: Control) -> dict[str, Any]:
    import msgspec

    header: dict[str, Any] = msgspec.to_builtins(control.header)
    return header


def _json(value: Any) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _table(chosen: list[Control]) -> str:
    width = max((len(item.id) for item in chosen), default=2)
    aliases = max((len(", ".join(item.header.aliases)) for item in chosen), default=0)
    lines = []
    last = ""
    for item in chosen:
        header = item.header
        if header.chapter != last:
            lines += ["", header.chapter.upper()] if last else [header.chapter.upper()]
            last = header.chapter
        alias = ", ".join(header.aliases)
        lines.append(
            f"  {header.id:<{width}}  {header.severity.value:<8}  {alias:<{aliases}}  {header.title}"
        )
    lines += ["", f"{len(chosen)} controls. `seawall controls ID` explains one."]
    return "\n".join(lines) + "\n"


def _broken(catalogue: Catalogue) -> str:
    return "".join(f"cannot be used: {item.file}: {item.reason}\n" for item in catalogue.broken)
