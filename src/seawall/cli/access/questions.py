"""`can`, `who-can`, `roles` and `diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from seawall.cli.access.common import (
    CLUSTER,
    GROUPS,
    NAMESPACE,
    OUTPUT,
    SNAPSHOT,
    azure_of,
    emit_answer,
    exit_with,
    place_of,
    read_world,
)
from seawall.core.errors import NothingToCheckError
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@click.command()
@click.argument("verb")
@click.argument("resource")
@click.argument("name", default="")
@click.option("--as", "user", required=True, metavar="USER", help="Who asks.")
@click.option("--as-group", "groups", multiple=True, metavar="GROUP", help="A group of theirs.")
@click.option("--oid", default="", help="Their Entra object id, for Azure RBAC.")
@NAMESPACE
@CLUSTER
@GROUPS
@SNAPSHOT
@OUTPUT
def can(
    verb: str,
    resource: str,
    name: str,
    user: str,
    groups: tuple[str, ...],
    oid: str,
    namespace: str,
    cluster: str,
    entra_groups: Path | None,
    paths: tuple[str, ...],
    output: str,
) -> None:
    """May USER do VERB on RESOURCE[/SUB] [NAME]? Exit code 1 when not."""
    import msgspec

    from seawall.access.authentication import OUTSIDE
    from seawall.access.azure.cluster import authorize_cluster
    from seawall.access.azure.explain import azure_grants
    from seawall.access.chain import authorize
    from seawall.access.explain import grants, removals
    from seawall.access.resources import parse_question, person

    snapshot, world = read_world(paths)
    asker = person(user, groups)
    if oid:
        asker = msgspec.structs.replace(asker, extra=(("oid", (oid,)),))
    asked = parse_question(verb, resource, asker, namespace, name, world.rules())
    azure = azure_of(snapshot, cluster, entra_groups)
    decision = authorize_cluster(world, azure, asked) if azure else authorize(world, asked)
    answer: dict[str, Any] = {
        "allowed": decision.allowed,
        "reason": decision.reason,
        "trail": [step.as_json() for step in decision.trail],
    }
    match = decision.trail[-1].match if decision.trail else None
    if match is not None:
        answer["bindingAt"] = place_of(snapshot, match.binding.origin)
        answer["ruleAt"] = place_of(snapshot, match.role.origin, ("rules", match.place))
    assignment = decision.trail[-1].assignment if decision.trail else ""
    if assignment:
        answer["assignmentAt"] = next(
            (
                place_of(snapshot, each.origin)
                for each in snapshot.resources
                if str(each.row.get("id") or "").lower() == assignment.lower()
            ),
            "",
        )
    if decision.allowed:
        removal = removals(world, asked, azure)
        answer["removal"] = None if removal is None else msgspec.to_builtins(removal)
    else:
        answer["grants"] = [msgspec.to_builtins(each) for each in grants(world, asked)]
        if azure is not None:
            answer["azureGrants"] = [msgspec.to_builtins(each) for each in azure_grants(azure, asked)]
    if azure is not None:
        answer["outside"] = list(OUTSIDE)

    def text() -> Iterator[str]:
        yield f"{'yes' if decision.allowed else 'no'}{f': {decision.reason}' if decision.reason else ''}"
        for key in ("bindingAt", "ruleAt", "assignmentAt"):
            if answer.get(key):
                yield f"  {key.removesuffix('At')} at {answer[key]}"
        if answer.get("removal"):
            yield f"  to stop it: {answer['removal']['summary']}"
            for each in answer["removal"]["removals"]:
                yield f"    {_removed(each)}"
        for each in answer.get("grants", ()):
            yield f"  to allow it: {each['summary']}"
        for each in answer.get("azureGrants", ()):
            yield f"  to allow it: assign {each['role']} to {each['principal']} at {each['scope']}"
            yield from (f"    {action}" for action in each["custom"])
        yield from (f"  not seen here: {each}" for each in answer.get("outside", ()))

    emit_answer(output, answer, text)
    exit_with(Exit.CLEAN if decision.allowed else Exit.FINDINGS, snapshot.unread, world.problems)


def _removed(each: dict[str, str]) -> str:
    if each["kind"] == "RoleAssignment":
        return f"RoleAssignment {each['id']}"
    place = f"{each['namespace']}/" if each["namespace"] else ""
    return f"{each['kind']} {place}{each['name']} of {each['role']}"


@click.command("who-can")
@click.argument("verb")
@click.argument("resource")
@click.argument("name", default="")
@NAMESPACE
@CLUSTER
@GROUPS
@SNAPSHOT
@OUTPUT
def who_can_command(
    verb: str,
    resource: str,
    name: str,
    namespace: str,
    cluster: str,
    entra_groups: Path | None,
    paths: tuple[str, ...],
    output: str,
) -> None:
    """Who can do VERB on RESOURCE[/SUB] [NAME], or on a /path?"""
    import msgspec

    from seawall.access.attributes import User
    from seawall.access.resources import parse_question
    from seawall.access.who import who_can

    snapshot, world = read_world(paths)
    asked = parse_question(verb, resource, User(), namespace, name, world.rules())
    found = who_can(world, asked, azure_of(snapshot, cluster, entra_groups))

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

    emit_answer(output, msgspec.to_builtins(found), text)
    exit_with(Exit.CLEAN, snapshot.unread, world.problems)


@click.command()
@click.argument("name", default="")
@click.option("--azure", is_flag=True, help="Azure roles instead of Kubernetes roles.")
@click.option("--snapshot", "paths", multiple=True, metavar="PATH", help="Read roles from PATH too.")
@OUTPUT
def roles(name: str, azure: bool, paths: tuple[str, ...], output: str) -> None:
    """What a role really opens: its powers, hidden ones too. NAME is one role; none: every role with powers."""
    from seawall.access.opened import azure_roles, kubernetes_roles
    from seawall.access.world import build_world

    snapshot, world = read_world(paths) if paths else (None, build_world(()))
    rows = [resource.row for resource in snapshot.resources] if snapshot else []
    found = azure_roles(rows, name) if azure else kubernetes_roles(world, name)
    if not found:
        raise NothingToCheckError(f"no role {name!r} was found" if name else "no role opens any power")

    def text() -> Iterator[str]:
        for role in found:
            yield role["role"]
            for power in role["opens"]:
                yield f"  {power['id']}: {power['why']}"

    emit_answer(output, found, text)
    exit_with(Exit.CLEAN, snapshot.unread if snapshot else (), world.problems)


@click.command()
@click.argument("old")
@click.argument("new")
@OUTPUT
def diff(old: str, new: str, output: str) -> None:
    """Access gained and lost from OLD to NEW (files or folders). Exit code 1 when any is gained."""
    import msgspec

    from seawall.access.diff import differences

    first, before = read_world((old,))
    second, after = read_world((new,))
    found = list(differences(before, after))

    def text() -> Iterator[str]:
        for each in found:
            where = f" in {each.namespace}" if each.namespace else ""
            what = each.path or f"{each.resource}{f'.{each.group}' if each.group else ''}"
            named = f" {each.name}" if each.name else ""
            yield f"{each.change}: {each.subject} {each.verb} {what}{named}{where}"

    emit_answer(output, msgspec.to_builtins(found), text)
    gained = any(each.change != "lost" for each in found)
    exit_with(
        Exit.FINDINGS if gained else Exit.CLEAN, first.unread, before.problems, second.unread, after.problems
    )
