"""`seawall network matrix` and `diff`: all pairs, and what a change does to them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import click

from seawall.cli.network_common import ENGINE, emit, estate_paths, finish, output_option, read
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.pairs.view import Entity


@click.command()
@ENGINE
@estate_paths
@output_option("table", "csv", "json", "html")
def matrix(engine: str | None, paths: tuple[str, ...], output: str) -> None:
    """Who may talk to whom, on which ports: every pair of workloads and every range of addresses outside.

    Ends that the rules treat alike are answered once. html is one page that needs nothing else: a matrix and a
    graph by namespace, opened down to the workload.
    """
    from seawall.network.pairs import Matrix
    from seawall.network.pairs.view import connections, entities

    snapshot, estate = read(paths, engine=engine)
    made = Matrix(estate)
    listed = entities(made, estate)
    found = list(connections(made, listed))
    classes = {item.cls for item in listed}

    def text() -> Iterator[str]:
        for item in found:
            yield f"{item.source.name} => {item.target.name} : {item.ports}"
        unheld = sum(item.members for item in listed if item.kind == "host")
        yield f"{len(listed)} ends in {len(classes)} classes, {len(found)} connections" + (
            f"; {unheld} pods in the host's network, which no policy holds" if unheld else ""
        )

    if output == "csv":
        from seawall.cli.output import emit as write

        write(
            _csv([(item.source.name, item.target.name, item.ports) for item in found], "from", "to", "ports")
        )
    elif output == "html":
        from seawall.cli.output import emit as write
        from seawall.network.pairs.page import page

        write(page(made, listed))
    else:
        answer = {
            "classes": len(classes),
            "ends": [_end(item) for item in listed],
            "connections": [
                {"from": item.source.name, "to": item.target.name, "ports": item.ports} for item in found
            ],
        }
        emit(output, answer, text)
    finish(snapshot, estate)


def _end(item: Entity) -> dict[str, Any]:
    return {
        "name": item.name,
        "kind": item.kind,
        "namespace": item.namespace,
        "class": item.cls,
        "members": item.members,
    }


def _csv(rows: list[tuple[str, ...]], *header: str) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[_safe(cell) for cell in row] for row in rows])
    return file.getvalue()


def _safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


@click.command()
@click.argument("old", type=click.Path(exists=True))
@click.argument("new", type=click.Path(exists=True))
@click.option("--fail-on-widening", is_flag=True, help="Exit code 1 where any connection is gained.")
@output_option("table", "csv", "json")
def diff(old: str, new: str, fail_on_widening: bool, output: str) -> None:
    """Connections gained (+) and lost (-) from OLD to NEW, exactly: by ports, and by addresses outside."""
    from seawall.network.pairs.diff import diff as compare

    before, old_estate = read((old,))
    after, new_estate = read((new,))
    found = compare(old_estate, new_estate)

    def text() -> Iterator[str]:
        for item in found:
            for sign, ports in (("+", item.gained), ("-", item.lost)):
                if ports:
                    ends = [f"{name} is new" for name in item.new] + [f"{name} is gone" for name in item.gone]
                    note = f" ({', '.join(ends)})" if ends else ""
                    yield f"{sign} {item.source} => {item.target} : {ports}{note}"
        gained, lost = sum(bool(item.gained) for item in found), sum(bool(item.lost) for item in found)
        yield f"{gained} pairs gain, {lost} lose"

    if output == "csv":
        from seawall.cli.output import emit as write

        write(
            _csv(
                [(item.source, item.target, item.gained, item.lost) for item in found],
                "from",
                "to",
                "gained",
                "lost",
            )
        )
    else:
        answer = [
            {
                "from": item.source,
                "to": item.target,
                "gained": item.gained,
                "lost": item.lost,
                "new": item.new,
                "gone": item.gone,
            }
            for item in found
        ]
        emit(output, answer, text)
    widened = fail_on_widening and any(item.gained for item in found)
    snapshot = before if before.unread else after
    estate = old_estate if old_estate.problems else new_estate
    finish(snapshot, estate, Exit.FINDINGS if widened else Exit.CLEAN)
