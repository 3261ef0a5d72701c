"""`seawall network lint`: policies, Services and security groups that will not do what they seem to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from seawall.cli.network_common import emit, finish, output_option, read
from seawall.core.errors import UsageError
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

_RANK = {"error": 0, "warning": 1, "info": 2}


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1)
@click.option(
    "--engine",
    type=click.Choice(("npm-linux", "npm-windows", "cilium", "calico")),
    help="The engine that enforces the policies; else that of the clusters read.",
)
@click.option("--rule", "only", multiple=True, metavar="ID", help="Ask this rule alone; may be given again.")
@click.option(
    "--fail-on",
    type=click.Choice(("error", "warning", "info", "none")),
    default="warning",
    show_default=True,
    help="Exit code 1 from this severity on.",
)
@click.option("--list-rules", is_flag=True, help="Say which rules there are.")
@output_option("text", "json")
def lint(
    paths: tuple[str, ...],
    engine: str | None,
    only: tuple[str, ...],
    fail_on: str,
    list_rules: bool,
    output: str,
) -> None:
    """Say what is accepted and will not do what it seems to, each with a witness."""
    from seawall.network.lint import View, rule_table
    from seawall.network.lint import lint as remark
    from seawall.sources import Locator

    table = rule_table()
    if list_rules:
        rules = [{"id": name, "severity": severity, "meaning": text} for name, severity, text in table]
        emit(
            output, rules, lambda: (f"{item['id']}  {item['severity']}  {item['meaning']}" for item in rules)
        )
        return
    unknown = sorted(set(only) - {name for name, _, _ in table})
    if unknown:
        raise UsageError(f"--rule {unknown[0]}: there is no such rule", hint="--list-rules names them")
    if not paths:
        raise UsageError("no PATH is given", hint="give a folder of manifests")
    snapshot, estate = read(paths, azure=True, runs=engine or "")
    objects = [item.raw for item in snapshot.objects]
    view = View(estate, objects, [item.row for item in snapshot.resources], engine or "")
    found = remark(view, only)
    locator = Locator(snapshot)
    origins = {id(item.raw): item.origin for item in snapshot.objects}
    rows = {id(item.row): item for item in snapshot.resources}
    places = []
    for item in found:
        if id(item.item) in origins:
            places.append(str(locator.locate(origins[id(item.item)], item.path)))
        elif id(item.item) in rows:
            places.append(str(locator.locate_resource(rows[id(item.item)], item.path)))
        else:
            places.append("")

    def text() -> Iterator[str]:
        for item, at in zip(found, places, strict=True):
            yield f"{at}: {item.severity}: {item.message} [{item.rule}]"
            yield f"    {item.witness}"
            if item.hint:
                yield f"    {item.hint}"
        yield f"{len(found)} remarks by {len(only) or len(table)} rules"

    answer = [
        {
            "rule": item.rule,
            "severity": item.severity,
            "kind": item.kind,
            "namespace": item.namespace,
            "name": item.name,
            "path": list(item.path),
            "at": at,
            "message": item.message,
            "witness": item.witness,
            "hint": item.hint,
        }
        for item, at in zip(found, places, strict=True)
    ]
    emit(output, answer, text)
    worst = min((_RANK[item.severity] for item in found), default=9)
    failed = fail_on != "none" and worst <= _RANK[fail_on]
    # A policy that the server refuses is one of the remarks here; one that is not decided stays unread.
    estate.problems[:] = [problem for problem in estate.problems if not problem.refused]
    finish(snapshot, estate, Exit.FINDINGS if failed else Exit.CLEAN)
