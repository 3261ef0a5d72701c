"""`seawall network prove`: the policies of an estate in the kernel, and packets sent at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from seawall.cli.network_common import emit, estate_paths, finish, read
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command()
@estate_paths
@click.option(
    "--ip",
    "versions",
    type=click.Choice(["4", "6", "both"]),
    default="both",
    show_default=True,
    help="IPv4, IPv6, or both.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "nft"]),
    default="text",
    show_default=True,
    help="How to answer; nft prints the ruleset and sends nothing.",
)
def prove(paths: tuple[str, ...], versions: str, output: str) -> None:
    """Prove the model with packets: every ordered pair of pods, every class of ports, TCP, UDP and SCTP.

    Builds a network namespace for each pod (200 at most), compiles the policies to nftables, sends, and compares
    with what Seawall says. Linux, root; nothing outside its own namespaces is touched, and nothing stays.
    Exit code 1 where a packet did other than the model says.
    """
    from seawall.lab.packets import make_plan
    from seawall.lab.packets import prove as run

    snapshot, estate = read(paths)
    plan = make_plan(estate, versions=(4, 6) if versions == "both" else (int(versions),))
    if output == "nft":
        click.echo(plan.rules, nl=False)
        finish(snapshot, estate)
    proof = run(plan)

    def text() -> Iterator[str]:
        for wrong in proof.wrong[:40]:
            yield (
                f"WRONG  {wrong.source} -> {wrong.target} IPv{wrong.version} {wrong.protocol}/{wrong.port}:"
                f" the model says {wrong.model}, the packet was {wrong.packet}"
            )
        if len(proof.wrong) > 40:
            yield f"... and {len(proof.wrong) - 40} more"
        yield from (f"left out: {one}" for one in proof.left_out)
        yield (
            f"{proof.pods} pods and {proof.ends - proof.pods} addresses outside, {proof.probes} packets:"
            f" {proof.allowed} to be let through, {proof.denied} to be stopped, {len(proof.wrong)} wrong"
            f" ({sum(proof.seconds.values()):.1f} s)"
        )

    emit(output, proof, text)
    finish(snapshot, estate, Exit.FINDINGS if proof.wrong else Exit.CLEAN)
