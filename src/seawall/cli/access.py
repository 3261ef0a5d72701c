"""`seawall access`: who may do what, why, how it could be got, and what would be enough."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from seawall.cli.access_identity import config, token
from seawall.core.errors import InputError, NothingToCheckError, UsageError
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from seawall.access.azure.cluster import AzureCluster
    from seawall.access.world import AccessWorld
    from seawall.snapshot import Origin, Snapshot

_SNAPSHOT = click.option(
    "--snapshot", "paths", multiple=True, required=True, metavar="PATH", help="Read the world from PATH."
)
_OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How to answer.",
)
_NAMESPACE = click.option("-n", "--namespace", default="", help="The namespace; none: the whole cluster.")
_CLUSTER = click.option("--cluster", default="", metavar="ID", help="The cluster's Azure resource id.")


@click.group()
def access() -> None:
    """Who may do what, why, and what would change the answer."""


def _read(paths: tuple[str, ...]) -> tuple[Snapshot, AccessWorld]:
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


def _azure(snapshot: Snapshot, cluster: str) -> AzureCluster | None:
    from seawall.access.azure.cluster import AzureCluster
    from seawall.access.azure.roles import read_azure

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
    return AzureCluster(cluster, read_azure(rows))


def _exit(snapshot: Snapshot, code: int = Exit.CLEAN) -> None:
    click.get_current_context().exit(Exit.INCOMPLETE if snapshot.unread else code)


def _emit(output: str, answer: Any, text: Callable[[], Iterator[str]]) -> None:
    from seawall.cli.output import emit

    if output == "json":
        import msgspec

        emit(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n")
    else:
        emit("".join(f"{line}\n" for line in text()))


def _where(snapshot: Snapshot, origin: Origin | None, steps: tuple[str | int, ...] = ()) -> str:
    """Return file and line of a place in an object."""
    if origin is None:
        return ""
    from seawall.sources import Locator

    return str(Locator(snapshot).locate(origin, steps))


@access.command()
@click.argument("verb")
@click.argument("resource")
@click.argument("name", default="")
@click.option("--as", "user", required=True, metavar="USER", help="Who asks.")
@click.option("--as-group", "groups", multiple=True, metavar="GROUP", help="A group of theirs.")
@click.option("--oid", default="", help="Their Entra object id, for Azure RBAC.")
@_NAMESPACE
@_CLUSTER
@_SNAPSHOT
@_OUTPUT
def can(
    verb: str,
    resource: str,
    name: str,
    user: str,
    groups: tuple[str, ...],
    oid: str,
    namespace: str,
    cluster: str,
    paths: tuple[str, ...],
    output: str,
) -> None:
    """May USER do VERB on RESOURCE[/SUB] [NAME]? Exit code 1 when not."""
    import msgspec

    from seawall.access.azure.cluster import authorize_cluster
    from seawall.access.chain import authorize
    from seawall.access.explain import grants, removals
    from seawall.access.resources import parse_question, person

    snapshot, world = _read(paths)
    asker = person(user, groups)
    if oid:
        asker = msgspec.structs.replace(asker, extra=(("oid", (oid,)),))
    asked = parse_question(verb, resource, asker, namespace, name, world.rules())
    azure = _azure(snapshot, cluster)
    decision = authorize_cluster(world, azure, asked) if azure else authorize(world, asked)
    answer: dict[str, Any] = {
        "allowed": decision.allowed,
        "reason": decision.reason,
        "trail": [step.as_json() for step in decision.trail],
    }
    match = decision.trail[-1].match if decision.trail else None
    if match is not None:
        answer["bindingAt"] = _where(snapshot, match.binding.origin)
        answer["ruleAt"] = _where(snapshot, match.role.origin, ("rules", match.place))
    if decision.allowed:
        removal = removals(world, asked)
        answer["removal"] = None if removal is None else msgspec.to_builtins(removal)
    else:
        answer["grants"] = [msgspec.to_builtins(each) for each in grants(world, asked)]

    def text() -> Iterator[str]:
        yield f"{'yes' if decision.allowed else 'no'}{f': {decision.reason}' if decision.reason else ''}"
        for key in ("bindingAt", "ruleAt"):
            if answer.get(key):
                yield f"  {key.removesuffix('At')} at {answer[key]}"
        if answer.get("removal"):
            yield f"  to stop it: {answer['removal']['summary']}"
            for each in answer["removal"]["removals"]:
                yield f"    {each['kind']} {each['namespace']}/{each['name']} of {each['role']}".replace(
                    " /", " "
                )
        for each in answer.get("grants", ()):
            yield f"  to allow it: {each['summary']}"

    _emit(output, answer, text)
    _exit(snapshot, Exit.CLEAN if decision.allowed else Exit.FINDINGS)


@access.command("who-can")
@click.argument("verb")
@click.argument("resource")
@click.argument("name", default="")
@_NAMESPACE
@_CLUSTER
@_SNAPSHOT
@_OUTPUT
def who_can_command(
    verb: str, resource: str, name: str, namespace: str, cluster: str, paths: tuple[str, ...], output: str
) -> None:
    """Who can do VERB on RESOURCE[/SUB] [NAME], or on a /path?"""
    import msgspec

    from seawall.access.attributes import User
    from seawall.access.resources import parse_question
    from seawall.access.who import who_can

    snapshot, world = _read(paths)
    asked = parse_question(verb, resource, User(), namespace, name, world.rules())
    found = who_can(world, asked, _azure(snapshot, cluster))

    def text() -> Iterator[str]:
        for title, holders in (
            ("", found.holders),
            ("can become somebody else (impersonate):", found.impersonators),
            ("can give rights (escalate, bind):", found.escalators),
        ):
            if title and holders:
                yield title
            for each in holders:
                way = f"{each.binding} of {each.role}" if each.binding else each.by
                member = f" (member of {each.member_of})" if each.member_of else ""
                yield f"{'  ' if title else ''}{each.kind} {each.name}  {way}{member}"

    _emit(output, msgspec.to_builtins(found), text)
    _exit(snapshot)


@access.command()
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
@_CLUSTER
@_SNAPSHOT
@_OUTPUT
def paths(
    target: str,
    place: str,
    sources: tuple[str, ...],
    cluster: str,
    paths: tuple[str, ...],  # noqa: A002,RUF100 - the option's name in every command
    output: str,
) -> None:
    """Show how subjects get to cluster-admin or to a secret, and which few bindings to cut.

    TARGET is `cluster-admin`, or `secret` with the secret as PLACE: paths --to secret ns/name. Without --from the
    paths start at every subject but Kubernetes' own (system: and the accounts of kube-system).
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
    snapshot, world = _read(paths)
    azure = _azure(snapshot, cluster)
    graph = build_graph(world, azure, [resource.row for resource in snapshot.resources])
    if sources:
        starts: list[Node] = [_subject(each) for each in sources]
    else:
        kinds = ("User", "ServiceAccount", "Group")
        starts = sorted(
            node
            for node in graph.edges
            if node[0] in kinds and not node[1].startswith(("system:", "kube-system/"))
        )
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
    chosen = cut(graph, starts, goal) if found else []
    answer = {"to": "/".join(goal), "edges": len(graph), "paths": found, "cut": chosen}

    def text() -> Iterator[str]:
        for each in found:
            yield f"{each['from']}"
            for step in each["steps"]:
                binding = f" [{step['binding']}]" if step["binding"] else ""  # type: ignore[index]
                yield f"  -> {step['to']}  {step['kind']}: {step['reason']}{binding}"  # type: ignore[index]
        if chosen:
            yield f"cut these {len(chosen)}:"
            yield from (f"  {each}" for each in chosen)
        elif found:
            yield "no set of bindings cuts every path"

    _emit(output, answer, text)
    _exit(snapshot, Exit.FINDINGS if found else Exit.CLEAN)


def _subject(text: str) -> tuple[str, str]:
    kind, slash, name = text.partition("/")
    if not slash or kind not in ("User", "Group", "ServiceAccount", "AzurePrincipal", "Network"):
        raise UsageError(f"--from {text} is no subject", hint="write User/jane or ServiceAccount/ns/name")
    return kind, name


@access.command()
@click.argument("name", default="")
@click.option("--azure", is_flag=True, help="Azure roles instead of Kubernetes roles.")
@click.option("--snapshot", "paths", multiple=True, metavar="PATH", help="Read roles from PATH too.")
@_OUTPUT
def roles(name: str, azure: bool, paths: tuple[str, ...], output: str) -> None:
    """What a role really opens: its powers, hidden ones too. NAME is one role; none: every role with powers."""
    from seawall.access.opened import azure_roles, kubernetes_roles
    from seawall.access.world import build_world

    if paths:
        snapshot, world = _read(paths)
        rows = [resource.row for resource in snapshot.resources]
    else:
        world, rows = build_world(()), []
    found = azure_roles(rows, name) if azure else kubernetes_roles(world, name)
    if not found:
        raise NothingToCheckError(f"no role {name!r} was found" if name else "no role opens any power")

    def text() -> Iterator[str]:
        for role in found:
            yield role["role"]
            for power in role["opens"]:
                yield f"  {power['id']}: {power['why']}"

    _emit(output, found, text)


@access.command()
@click.argument("old")
@click.argument("new")
@_OUTPUT
def diff(old: str, new: str, output: str) -> None:
    """Access gained and lost from OLD to NEW (files or folders). Exit code 1 when any is gained."""
    import msgspec

    from seawall.access.diff import differences

    first, before = _read((old,))
    second, after = _read((new,))
    found = list(differences(before, after))

    def text() -> Iterator[str]:
        for each in found:
            where = f" in {each.namespace}" if each.namespace else ""
            what = each.path or f"{each.resource}{f'.{each.group}' if each.group else ''}"
            named = f" {each.name}" if each.name else ""
            yield f"{each.change}: {each.subject} {each.verb} {what}{named}{where}"

    _emit(output, msgspec.to_builtins(found), text)
    gained = any(each.change != "lost" for each in found)
    _exit(second if second.unread else first, Exit.FINDINGS if gained else Exit.CLEAN)


@access.command("mine")
@click.argument("auditlog", nargs=-1, required=True, metavar="AUDITLOG...")
@click.option("--user", "users", multiple=True, metavar="USER", help="Only these users.")
@click.option("--names", is_flag=True, help="Narrow the roles to the names that were used.")
@click.option("--snapshot", "paths", multiple=True, metavar="PATH", help="What is held, to compare with.")
@_OUTPUT
def mine_command(
    auditlog: tuple[str, ...], users: tuple[str, ...], names: bool, paths: tuple[str, ...], output: str
) -> None:
    """Make least-privilege roles from audit logs (`-` is standard input), all users in one pass."""
    from seawall.access.mine import documents, mine, not_held, roles_for, uncovered, unused_bindings
    from seawall.access.resources import person

    found = mine(_lines(auditlog), names=names)
    if not found.events:
        raise NothingToCheckError("no audit event was found")
    world = _read(paths)[1] if paths else None
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
        made = roles_for(user, used)
        entry: dict[str, Any] = {
            "user": user,
            "objects": documents(made),
            "uncovered": [list(atom) for atom in uncovered(user, used, made)],
        }
        if world is not None:
            entry["notHeld"] = [list(atom) for atom in not_held(world, person(user), used)]
        answer["users"].append(entry)
    if world is not None:
        answer["unusedBindings"] = unused_bindings(world, found)

    def text() -> Iterator[str]:
        import yaml

        for entry in answer["users"]:
            for each in entry["objects"]:
                yield "---\n" + yaml.safe_dump(each, sort_keys=False).rstrip()

    click.echo(f"seawall: {found.counted} of {found.events} events counted, {found.denied} refused", err=True)
    _emit(output, answer, text)
    if found.unreadable:
        click.echo(f"seawall: {found.unreadable} lines could not be read", err=True)
        click.get_current_context().exit(Exit.INCOMPLETE)


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


access.add_command(config)
access.add_command(token)
