"""`seawall network reach`: one question, the whole trail, and the smallest change of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from seawall.cli.network_common import ENGINE, PATHS, emit, finish, output_option, read
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.network.policies import PolicyWorld


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--port", metavar="PORT", help="80, UDP/53 or ICMP; none: TCP, whatever the port.")
@click.option("--no-edit", is_flag=True, help="Do not look for the change that would turn the answer round.")
@ENGINE
@PATHS
@output_option("text", "json")
def reach(
    source: str,
    target: str,
    port: str | None,
    no_edit: bool,
    engine: str | None,
    paths: tuple[str, ...],
    output: str,
) -> None:
    """Can FROM reach TO? Ends are namespace/name of a pod or workload, an address, internet, imds or wireserver.

    TO may be svc/NAMESPACE/NAME: the way by load balancer, security groups and node to the pods behind it. With
    Azure resources in the estate the groups, admin rules and routes are asked too. Exit code 1 when not, 4 when something needed for the answer was not read.
    """
    from seawall.network.ask import read_end, read_port_text, read_target
    from seawall.network.policies import PolicyWorld
    from seawall.network.trace import explain

    snapshot, estate = read(paths, engine=engine)
    world = PolicyWorld(estate)
    protocol, number = read_port_text(port)
    found = explain(
        snapshot,
        world,
        read_end(source, world),
        read_target(target, world),
        protocol,
        number,
        edits=not no_edit,
    )
    answer: dict[str, Any] = {"from": source, "to": target, **found}
    if engine is not None and engine.startswith("npm-") and _own_node(world, source, target):
        click.echo(
            "seawall: Azure NPM does not filter what a pod sends to its own node: it gets there", err=True
        )
        answer["engine"] = "what a pod sends to its own node is not filtered"

    def text() -> Iterator[str]:
        asked = f"{source} -> {target} {protocol}{'' if number is None else f' {number}'}"
        yield f"{answer['verdict']}: {asked}"
        for stop in answer["path"]:
            at = f" ({stop['at']})" if stop.get("at") else ""
            yield f"  {stop['stop']}: {stop['verdict']}: {stop['why']}{at}"
            for line in stop.get("passed", ()):
                yield f"    {line}"
        yield from proposal_lines(answer.get("proposal"), answer["verdict"])

    emit(output, answer, text)
    codes = {"allow": Exit.CLEAN, "deny": Exit.FINDINGS}
    finish(snapshot, estate, codes.get(answer["verdict"], Exit.INCOMPLETE))


def _own_node(world: PolicyWorld, source: str, target: str) -> bool:
    pod = world.pods.get(source)
    return pod is not None and target in {str(address) for address in pod.node_addresses}


def proposal_lines(proposal: dict[str, Any] | None, verdict: str) -> Iterator[str]:
    """Yield the lines of a proposal: what to change, and the policy as it would be."""
    if proposal is None:
        return
    import yaml

    what = "to stop it" if verdict == "allow" else "to open it"
    others = proposal["others"]
    yield f"  {what} (applied and asked again; {others or 'no'} other {'pair' if others == 1 else 'pairs'} change):"
    for edit in proposal["edits"]:
        at = f" at {edit['at']}" if edit.get("at") else ""
        yield f"    {edit['summary']}{at}"
        part = edit.get("rule") or edit["policy"]
        if not edit["new"]:
            # What is there already is not repeated: the rules of the direction that the edit is in.
            direction = edit["path"][1] if len(edit.get("path", ())) > 1 else "spec"
            part = {direction: part["spec"].get(direction, [])}
        for line in yaml.safe_dump(part, sort_keys=False).splitlines():
            yield f"      {line}"
