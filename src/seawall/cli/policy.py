"""`seawall policy what-if`: what would a stricter Pod Security level do to this estate?"""

from __future__ import annotations

import click

from seawall.core.errors import InputError, NothingToCheckError
from seawall.core.exits import Exit


@click.group()
def policy() -> None:
    """Pod Security and admission policies over files."""


@policy.command("what-if")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--level", type=click.Choice(["baseline", "restricted"]), default="restricted", show_default=True
)
@click.option(
    "--version", "version", default="latest", show_default=True, help="Of the standards, such as v1.34."
)
@click.option(
    "-o", "--output", type=click.Choice(["table", "json", "labels"]), default="table", show_default=True
)
@click.pass_context
def what_if_command(
    ctx: click.Context, paths: tuple[str, ...], level: str, version: str, output: str
) -> None:
    """Say what each namespace could bear today, and which workloads stand in the way of a level.

    `labels` prints the kubectl commands that enforce what each namespace already meets. Exit code 1 where a
    workload stands in the way.
    """
    import msgspec

    from seawall.policy.podsecurity import parse_version
    from seawall.policy.whatif import what_if
    from seawall.sources import read_paths

    number = parse_version(version)
    if number is None:
        raise InputError(f"{version!r} is no version of the standards", hint='give "latest" or "v1.N"')
    snapshot = read_paths(paths)
    found = what_if((item.raw for item in snapshot.objects), level, number)
    if not found:
        raise NothingToCheckError(
            "no pod and no workload was found", hint="give manifests or a cluster's dump"
        )
    if output == "json":
        rows = [
            {
                "namespace": one.namespace,
                "level": one.level,
                "workloads": one.workloads,
                "obstacles": [obstacle._asdict() for obstacle in one.obstacles],
                "unread": list(one.unread),
            }
            for one in found
        ]
        click.echo(msgspec.json.encode(rows).decode())
    elif output == "labels":
        for one in found:
            if one.level not in {None, "privileged"}:
                prefix = "pod-security.kubernetes.io/enforce"
                labels = f"{prefix}={one.level} {prefix}-version={version}"
                click.echo(f"kubectl label --overwrite namespace {one.namespace} {labels}")
    else:
        for one in found:
            click.echo(f"{one.namespace}: bears {one.level or 'unknown'} ({one.workloads} workloads)")
            for obstacle in one.obstacles:
                click.echo(f"  {obstacle.kind}/{obstacle.name}: {obstacle.why}")
            for text in one.unread:
                click.echo(f"  could not be read: {text}")
    for item in snapshot.unread:
        click.echo(f"could not be read: {item.path}: {item.reason}", err=True)
    if snapshot.unread or any(one.unread for one in found):
        ctx.exit(Exit.INCOMPLETE)
    ctx.exit(Exit.FINDINGS if any(one.obstacles for one in found) else Exit.CLEAN)
