"""What the commands of `seawall access` share: options, reading the world, showing answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall.core.errors import NothingToCheckError, UsageError
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from seawall.access.azure.cluster import AzureCluster
    from seawall.access.azure.directory import Directory
    from seawall.access.world import AccessWorld
    from seawall.snapshot import Origin, Snapshot

SNAPSHOT = click.option(
    "--snapshot", "paths", multiple=True, required=True, metavar="PATH", help="Read the world from PATH."
)
OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How to answer.",
)
NAMESPACE = click.option("-n", "--namespace", default="", help="The namespace; none: the whole cluster.")
GROUPS = click.option(
    "--entra-groups",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Entra groups with their members, as Graph lists them.",
)
CLUSTER = click.option("--cluster", default="", metavar="ID", help="The cluster's Azure resource id.")


def read_world(paths: tuple[str, ...]) -> tuple[Snapshot, AccessWorld]:
    """Read a world; what could not be read or used is said. Raises NothingToCheckError."""
    from seawall.access.world import build_world
    from seawall.sources import read_paths

    snapshot = read_paths(paths)
    world = build_world(snapshot.objects)
    for unread in snapshot.unread:
        click.echo(f"seawall: not read: {unread.path}: {unread.reason}", err=True)
    for problem in world.problems:
        click.echo(
            f"seawall: left out: {problem.kind} {problem.namespace}/{problem.name}: {problem.reason}",
            err=True,
        )
    if not snapshot.objects and not snapshot.resources:
        raise NothingToCheckError(
            "nothing was found to decide over", hint="give --snapshot a folder of manifests"
        )
    return snapshot, world


def azure_of(snapshot: Snapshot, cluster: str, groups: Path | None = None) -> AzureCluster | None:
    """Return the cluster named, else the only one of the snapshot; None where there is no such one."""
    from seawall.access.azure.cluster import AzureCluster
    from seawall.access.azure.roles import ancestors_of, read_azure

    rows = [resource.row for resource in snapshot.resources]
    if not cluster:
        clusters = [
            str(row.get("id"))
            for row in rows
            if str(row.get("type") or "").lower() == "microsoft.containerservice/managedclusters"
        ]
        if len(clusters) != 1:
            return None
        cluster = clusters[0]
    return AzureCluster(
        cluster, read_azure(rows, ancestors_of(rows, cluster)), directory=directory_of(groups)
    )


def directory_of(path: Path | None) -> Directory:
    """Read who is in which Entra group, nobody without a file. Raises UsageError."""
    import json

    from seawall.access.azure.directory import Directory, read_directory

    if path is None:
        return Directory()
    try:
        return read_directory(json.loads(path.read_bytes()))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is no JSON") from None


def exit_with(code: int, *gaps: Collection[object]) -> None:
    """End with a code, or with that of what could not be read or had to be left out: it might turn the answer."""
    click.get_current_context().exit(Exit.INCOMPLETE if any(gaps) else code)


def emit_answer(output: str, answer: Any, text: Callable[[], Iterator[str]]) -> None:
    """Show an answer as JSON or as lines."""
    from seawall.cli.output import emit

    if output == "json":
        import msgspec

        emit(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n")
    else:
        emit("".join(f"{line}\n" for line in text()))


def place_of(snapshot: Snapshot, origin: Origin | None, steps: tuple[str | int, ...] = ()) -> str:
    """Return file and line of a place in an object."""
    if origin is None:
        return ""
    from seawall.sources import Locator

    return str(Locator(snapshot).locate(origin, steps))
