"""`mine`: least-privilege roles from audit logs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from seawall.cli.access.common import (
    OUTPUT,
    emit_answer,
    exit_with,
    read_world,
)
from seawall.core.errors import InputError, NothingToCheckError
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.access.azure.cluster import AzureCluster
    from seawall.snapshot import Snapshot


@click.command("mine")
@click.argument("auditlog", nargs=-1, required=True, metavar="AUDITLOG...")
@click.option("--user", "users", multiple=True, metavar="USER", help="Only these users.")
@click.option("--names", is_flag=True, help="Narrow the roles to the names that were used.")
@click.option(
    "--azure-cluster", default="", metavar="ID", help="Custom Azure roles for Entra users of this cluster."
)
@click.option("--snapshot", "paths", multiple=True, metavar="PATH", help="What is held, to compare with.")
@OUTPUT
def mine_command(
    auditlog: tuple[str, ...],
    users: tuple[str, ...],
    names: bool,
    azure_cluster: str,
    paths: tuple[str, ...],
    output: str,
) -> None:
    """Make least-privilege roles from audit logs (`-` is standard input), all users in one pass.

    With --azure-cluster users with an object id get a custom Azure role instead of Kubernetes roles, and what that role
    opens beyond its words. Each role was proven by the engine to cover what was used (`uncovered` is empty).
    """
    from seawall.access.mine import mine, unused_bindings
    from seawall.cli.access.mined import mined_azure, mined_kubernetes

    found = mine(_lines(auditlog), names=names)
    if not found.events:
        raise NothingToCheckError("no audit event was found")
    snapshot, world = read_world(paths) if paths else (None, None)
    azure = None if not azure_cluster else named_cluster(snapshot, azure_cluster)
    answer: dict[str, Any] = {
        "events": found.events,
        "counted": found.counted,
        "denied": found.denied,
        "unreadable": found.unreadable,
        "users": [],
    }
    for user, used in sorted(found.used.items()):
        if users and user not in users:
            continue
        seen = found.extra.get(user)
        if azure is not None and seen is not None and seen.extra_value("oid"):
            answer["users"].append(mined_azure(seen, used, azure, world))
        else:
            answer["users"].append(mined_kubernetes(user, used, world))
    if world is not None:
        answer["unusedBindings"] = unused_bindings(world, found)

    def text() -> Iterator[str]:
        import yaml

        for entry in answer["users"]:
            for each in entry["objects"]:
                yield "---\n" + yaml.safe_dump(each, sort_keys=False).rstrip()

    click.echo(f"seawall: {found.counted} of {found.events} events counted, {found.denied} refused", err=True)
    for entry in answer["users"]:
        for power in entry.get("opens", ()):
            click.echo(
                f"seawall: {entry['user']}: the role opens more: {power['id']}: {power['why']}", err=True
            )
    emit_answer(output, answer, text)
    if found.unreadable:
        click.echo(f"seawall: {found.unreadable} lines could not be read", err=True)
    gaps = (snapshot.unread if snapshot else (), world.problems if world else ())
    exit_with(Exit.INCOMPLETE if found.unreadable else Exit.CLEAN, *gaps)


def named_cluster(snapshot: Snapshot | None, cluster: str) -> AzureCluster:
    """Return a cluster by its id, with what a snapshot holds of Azure."""
    from seawall.access.azure.cluster import AzureCluster
    from seawall.access.azure.roles import ancestors_of, read_azure

    rows = [resource.row for resource in snapshot.resources] if snapshot is not None else []
    return AzureCluster(cluster, read_azure(rows, ancestors_of(rows, cluster)))


def _lines(files: tuple[str, ...]) -> Iterator[bytes]:
    from pathlib import Path

    for file in files:
        if file == "-":
            yield from sys.stdin.buffer
            continue
        try:
            with Path(file).open("rb") as lines:
                yield from lines
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}", hint="give a file of audit events") from None
