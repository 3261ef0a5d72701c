"""`seawall network synthesize` and `expose`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from seawall.cli.network_common import PATHS, emit, estate_paths, finish, output_option, read
from seawall.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command()
@click.argument("flows", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@PATHS
@output_option("yaml", "json")
def synthesize(flows: tuple[str, ...], paths: tuple[str, ...], output: str) -> None:
    """Write least-privilege policies from FLOWS: hubble observe -o json, NSG or VNet flow logs, conntrack -L.

    The estate tells which pods the addresses are. A workload that took part in no flow gets no policy.
    """
    from pathlib import Path

    import yaml

    from seawall.network.flows import read_flows
    from seawall.network.flows import synthesize as make

    snapshot, estate = read(paths)
    seen = []
    for name in flows:
        try:
            found, left = read_flows(Path(name).read_text(encoding="utf-8"))
        except (InputError, UnicodeDecodeError) as error:
            raise InputError(f"{name}: {error}") from None
        seen += found
        for reason, count in sorted(left.items()):
            click.echo(f"seawall: {name}: {count} records left out: {reason}", err=True)
    made = make(estate, seen)
    for reason, count in made.left.items():
        click.echo(f"seawall: {count} flows need no policy: {reason}", err=True)

    def text() -> Iterator[str]:
        if made.policies:
            yield from yaml.safe_dump_all(made.policies, sort_keys=False).splitlines()

    emit(output, {"policies": made.policies, "left": made.left, "flows": len(seen)}, text)
    finish(snapshot, estate)


@click.command()
@estate_paths
@output_option("text", "json")
def expose(paths: tuple[str, ...], output: str) -> None:
    """What pods that do not exist yet could reach, and what could reach them.

    Asked for a pod without labels in every namespace and in a new one, and for a pod of every peer that a rule
    names and that nobody is today.
    """
    from seawall.network.expose import expose as make

    snapshot, estate = read(paths)
    found = make(estate)

    def text() -> Iterator[str]:
        for item in found:
            yield f"{item.newcomer} {item.way} {item.other} : {item.ports}"

    answer = [
        {"newcomer": item.newcomer, "way": item.way, "other": item.other, "ports": item.ports}
        for item in found
    ]
    emit(output, answer, text)
    finish(snapshot, estate)
