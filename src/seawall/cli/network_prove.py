"""`seawall network prove`: the model against packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from seawall.cli.network_common import PATHS, emit, finish, output_option, read
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command()
@click.option(
    "--family", type=click.Choice(("4", "6", "both")), default="both", show_default=True, help="Of IP."
)
@PATHS
@output_option("text", "json")
def prove(family: str, paths: tuple[str, ...], output: str) -> None:
    """Build the pods as network namespaces, the policies as nftables, and probe every ordered pair.

    TCP, UDP and SCTP, one port of every class, after an allow-all baseline. Needs root on Linux with ip and nft;
    at most 200 pods. The namespaces go with the process, also when it is killed. Exit code 1 where a packet does
    not do what the model says.
    """
    import msgspec

    from seawall.network.prove import prove as run

    snapshot, estate = read(paths)
    versions = {"4": (4,), "6": (6,), "both": (4, 6)}[family]
    found = run(estate, versions)

    def text() -> Iterator[str]:
        yield (
            f"{found.ends} ends, {found.probes} probes, {found.allowed} came through, {len(found.wrong)} wrong, "
            f"{found.baseline_lost} lost in the allow-all baseline"
        )
        for item in found.wrong:
            said, was = ("allow", "deny") if item.expected else ("deny", "allow")
            yield f"wrong: {item.source} -> {item.target} {item.protocol} {item.port}: model {said}, packet {was}"
        for reason, count in sorted(found.left.items()):
            yield f"left out: {count} {reason}"

    answer = msgspec.to_builtins(msgspec.structs.replace(found, seconds=0.0))
    del answer["seconds"]
    emit(output, answer, text)
    bad = found.wrong or found.baseline_lost
    finish(snapshot, estate, Exit.FINDINGS if bad else Exit.CLEAN)
