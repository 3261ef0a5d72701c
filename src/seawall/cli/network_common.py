"""What the commands of `seawall network` share: reading an estate, and saying what was left out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from seawall.core.errors import NothingToCheckError, UsageError
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seawall.network.estate import NetworkEstate
    from seawall.snapshot import Snapshot

PATHS = click.option(
    "--snapshot", "paths", multiple=True, required=True, metavar="PATH", help="Read the estate from PATH."
)
"""For commands whose arguments are something else: the estate comes by an option."""


def estate_paths(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take PATH... or --snapshot PATH, which mean the same; it gets them as `paths`."""

    @click.argument("given", nargs=-1, metavar="PATH...")
    @click.option("--snapshot", "more", multiple=True, metavar="PATH", help="The same as PATH.")
    @functools.wraps(command)
    def run(*args: Any, given: tuple[str, ...], more: tuple[str, ...], **options: Any) -> Any:
        if not given and not more:
            raise UsageError("no PATH is given", hint="give the files or folders of the estate")
        return command(*args, paths=given + more, **options)

    return run


ENGINE = click.option(
    "--engine",
    type=click.Choice(("npm-linux", "npm-windows", "cilium", "calico")),
    help="Read the policies as this engine does; without it, as their API says.",
)


def output_option(*formats: str) -> Callable[[Any], Any]:
    """Return the option -o with the formats of a command, the first one its default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How to answer.",
    )


def read(
    paths: tuple[str, ...], *, azure: bool = False, engine: str | None = None, runs: str = ""
) -> tuple[Snapshot, NetworkEstate]:
    """Read an estate; a policy that the API server would refuse is named on stderr and counts for nothing.

    With `engine` Kubernetes' policies are read as that engine does; `runs` says only which engine's own policies count.
    """
    from seawall.network.engines import one_engine
    from seawall.network.estate import read_estate
    from seawall.sources import read_paths

    snapshot = read_paths(paths)
    known = engine or runs or one_engine(item.row for item in snapshot.resources)
    estate = read_estate((item.raw for item in snapshot.objects), strict=False, engine=known)
    if engine:
        from seawall.network.profiles import on_engine

        estate = on_engine(estate, engine)
    for unread in snapshot.unread:
        click.echo(f"seawall: not read: {unread.path}: {unread.reason}", err=True)
    for problem in estate.problems:
        click.echo(f"seawall: {'no effect' if problem.idle else 'left out'}: {problem.reason}", err=True)
    if not estate.pods and not estate.workloads and not (azure and snapshot.resources):
        raise NothingToCheckError(
            "no pod and no workload was found", hint="give --snapshot a folder of manifests"
        )
    return snapshot, estate


def finish(snapshot: Snapshot, estate: NetworkEstate, code: int = Exit.CLEAN) -> None:
    """Leave with a code; what could not be read outweighs it."""
    broken = snapshot.unread or any(not problem.idle for problem in estate.problems)
    click.get_current_context().exit(Exit.INCOMPLETE if broken else code)


def emit(output: str, answer: Any, text: Callable[[], Iterator[str]]) -> None:
    """Write an answer as JSON or as lines."""
    from seawall.cli.output import emit as write

    if output == "json":
        import msgspec

        write(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n")
    else:
        write("".join(f"{line}\n" for line in text()))
