"""`paths`: the attack graph from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from seawall.cli.access.common import (
    CLUSTER,
    GROUPS,
    OUTPUT,
    SNAPSHOT,
    azure_of,
    emit_answer,
    exit_with,
    read_world,
)
from seawall.core.errors import NothingToCheckError, UsageError
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@click.command()
@click.option(
    "--to",
    "target",
    required=True,
    metavar="TARGET",
    help="cluster-admin, or secret then ns/name.",
)
@click.argument("place", default="")
@click.option(
    "--from", "sources", multiple=True, metavar="SUBJECT", help="User/x, Group/x, ServiceAccount/ns/x."
)
@CLUSTER
@GROUPS
@SNAPSHOT
@OUTPUT
def paths(
    target: str,
    place: str,
    sources: tuple[str, ...],
    cluster: str,
    entra_groups: Path | None,
    paths: tuple[str, ...],  # noqa: A002,RUF100 - the option's name in every command
    output: str,
) -> None:
    """Show how subjects get to cluster-admin or to a secret, and which few bindings to cut.

    TARGET is `cluster-admin`, or `secret` with the secret as PLACE: paths --to secret ns/name. Without --from the
    paths start at every subject but Kubernetes' own (system: and the accounts of kube-system); the groups that
    everybody or every account is in are no exception. Network/outside is whoever reaches what the cluster exposes.
    """
    from seawall.access.paths import build_graph, cut, shortest
    from seawall.access.paths.graph import ADMIN, Node

    goal: Node = ADMIN
    if target == "secret":
        if "/" not in place:
            raise UsageError("--to secret needs the secret", hint="write: paths --to secret namespace/name")
        goal = ("secret", place)
    elif target != "cluster-admin":
        raise UsageError(f"--to {target} is no target", hint="write cluster-admin, or secret namespace/name")
    snapshot, world = read_world(paths)
    azure = azure_of(snapshot, cluster, entra_groups)
    starts: list[Node] = [_subject(each) for each in sources]
    graph = build_graph(world, azure, [resource.row for resource in snapshot.resources], starts)
    if target == "secret" and not any(
        edge.target == goal for edges in graph.edges.values() for edge in edges
    ):
        raise NothingToCheckError(
            f"no secret {place} was read, and no pod names it: there is nothing that paths could end at",
            hint="give a dump that holds the secrets: kubectl get secrets -A -o yaml (their values are not looked at)",
        )
    if not starts:
        starts = sorted(node for node in graph.edges if _is_asked(node))
    found = []
    for start in starts:
        steps = shortest(graph, start, goal)
        if steps:
            found.append(
                {
                    "from": "/".join(start),
                    "steps": [
                        {
                            "from": "/".join(before),
                            "to": "/".join(edge.target),
                            "kind": edge.kind,
                            "reason": edge.reason,
                            "binding": edge.binding,
                        }
                        for before, edge in steps
                    ],
                }
            )
    least = cut(graph, starts, goal) if found else None
    chosen = None if least is None else list(least.bindings)
    answer = {
        "to": "/".join(goal),
        "edges": len(graph),
        "paths": found,
        "cut": chosen if found else [],
        "cutIsLeast": least.exact if least is not None else None,
    }

    def text() -> Iterator[str]:
        for each in found:
            yield f"{each['from']}"
            for step in each["steps"]:
                binding = f" [{step['binding']}]" if step["binding"] else ""  # type: ignore[index]
                yield f"  -> {step['to']}  {step['kind']}: {step['reason']}{binding}"  # type: ignore[index]
        if chosen:
            proven = "no fewer do" if least is not None and least.exact else "no fewer were found"
            yield f"cut these {len(chosen)} ({proven}):"
            yield from (f"  {each}" for each in chosen)
        elif found:
            yield "no set of bindings cuts every path"
        else:
            yield f"no path leads to {place or target}: {len(starts)} subjects, {len(graph)} edges looked at"

    emit_answer(output, answer, text)
    exit_with(Exit.FINDINGS if found else Exit.CLEAN, snapshot.unread, world.problems)


def _is_asked(node: tuple[str, str]) -> bool:
    """Tell whether paths start here unasked: at what is not a part of Kubernetes, and at who anybody is."""
    kind, name = node
    if kind not in ("User", "ServiceAccount", "Group"):
        return False
    anybody = name in ("system:anonymous", "system:unauthenticated", "system:authenticated")
    return (
        anybody
        or name.startswith("system:serviceaccounts")
        or not name.startswith(("system:", "kube-system/"))
    )


def _subject(text: str) -> tuple[str, str]:
    kind, slash, name = text.partition("/")
    kinds = ("User", "Group", "ServiceAccount", "AzurePrincipal", "Network")
    if not slash or kind not in kinds or (kind == "ServiceAccount" and not name.partition("/")[2]):
        raise UsageError(f"--from {text} is no subject", hint="write User/jane or ServiceAccount/ns/name")
    return kind, name
