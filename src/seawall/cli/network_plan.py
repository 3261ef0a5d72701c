"""`seawall network plan` and `isolate-metadata`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from seawall.cli.network_common import emit, estate_paths, finish, output_option, read
from seawall.core.errors import NothingToCheckError
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command()
@estate_paths
@output_option("text", "json")
def plan(paths: tuple[str, ...], output: str) -> None:
    """How many addresses each subnet must hold: nodes, pods, surge, internal front ends. Exit code 1 when too few."""
    from seawall.network.plan import clashes, plans

    snapshot, estate = read(paths, azure=True)
    rows = [item.row for item in snapshot.resources]
    found = plans(rows, [item.raw for item in snapshot.objects])
    if not found:
        raise NothingToCheckError(
            "no managed cluster was found", hint="give --snapshot the output of az aks show"
        )
    problems = list(clashes(rows))

    def text() -> Iterator[str]:
        for item in found:
            free = "its size was not read" if item.free is None else f"it has {item.free}"
            short = item.free is not None and item.needed > item.free
            yield (
                f"{item.cluster.get('name')}, {item.use} in {_short(item.subnet)}: "
                f"{item.needed} addresses, {free}{': too few' if short else ''}; a /{item.prefix} would do"
            )
            for part in item.parts:
                yield f"  {part.pool or 'services'}: {part.addresses} = {part.text}"
        for cluster, _, message, witness in problems:
            yield f"{cluster.get('name')}: {message}: {witness}"

    answer = {
        "plans": [
            {
                "cluster": item.cluster.get("id"),
                "subnet": item.subnet,
                "use": item.use,
                "needed": item.needed,
                "free": item.free,
                "prefix": item.prefix,
                "parts": [
                    {"pool": part.pool, "addresses": part.addresses, "how": part.text} for part in item.parts
                ],
            }
            for item in found
        ],
        "problems": [
            {"cluster": cluster.get("id"), "path": list(path), "message": message, "witness": witness}
            for cluster, path, message, witness in problems
        ],
    }
    emit(output, answer, text)
    short = any(item.free is not None and item.needed > item.free for item in found)
    finish(snapshot, estate, Exit.FINDINGS if short or problems else Exit.CLEAN)


def _short(subnet: str) -> str:
    """Name a subnet by the last part of its id; a range stays what it is."""
    return subnet.rpartition("/subnets/")[2] or subnet


@click.command("isolate-metadata")
@estate_paths
@click.option(
    "--engine",
    type=click.Choice(("npm-linux", "npm-windows", "cilium", "calico")),
    help="The engine at hand; without one the form that works on all but Azure NPM.",
)
@click.option(
    "-n", "--namespace", "namespaces", multiple=True, help="This namespace alone; may be given again."
)
@output_option("yaml", "json")
def isolate_metadata(
    paths: tuple[str, ...], engine: str | None, namespaces: tuple[str, ...], output: str
) -> None:
    """Write the policies that keep pods from 169.254.169.254; who reaches it all the same is said on stderr.

    Exit code 1 where somebody does.
    """
    import yaml

    from seawall.network.metadata import isolate

    snapshot, estate = read(paths)
    found = isolate(estate, engine or "", namespaces)
    for key, reason in found.left:
        click.echo(f"seawall: {key} still reaches the metadata endpoint: {reason}", err=True)
    answer = {
        "policies": found.policies,
        "left": [{"pod": key, "reason": reason} for key, reason in found.left],
    }
    emit(
        output,
        answer,
        lambda: iter(
            yaml.safe_dump_all(found.policies, sort_keys=False).splitlines() if found.policies else ()
        ),
    )
    finish(snapshot, estate, Exit.FINDINGS if found.left else Exit.CLEAN)
