"""`seawall policy`: what a stricter Pod Security level would do, and what admission policies say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from seawall.core.errors import InputError, NothingToCheckError
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from seawall.policy.checking import Checked
    from seawall.policy.whatif import Bearing


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
@click.option("--all-versions", is_flag=True, help="Also what is borne at each version of the standards.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "labels", "patches"]),
    default="table",
    show_default=True,
)
@click.pass_context
def what_if_command(
    ctx: click.Context, paths: tuple[str, ...], level: str, version: str, all_versions: bool, output: str
) -> None:
    """Say what each namespace could bear today, and which workloads stand in the way of a level.

    `labels` prints the kubectl commands that enforce what each namespace meets already, and warn of what is
    wanted where it does not. `patches` prints, for each workload in the way, the smallest JSON Patch that has
    been checked to cure it. Exit code 1 where a workload stands in the way.
    """
    from seawall.policy.podsecurity import parse_version
    from seawall.policy.whatif import what_if
    from seawall.sources import read_paths

    number = parse_version(version)
    if number is None:
        raise InputError(f"{version!r} is no version of the standards", hint='give "latest" or "v1.N"')
    snapshot = read_paths(paths)
    found = what_if((item.raw for item in snapshot.objects), level, number, all_versions=all_versions)
    if not found:
        raise NothingToCheckError(
            "no pod and no workload was found", hint="give manifests or a cluster's dump"
        )
    show = {"json": _json, "labels": _labels, "patches": _patches, "table": _table}[output]
    show(found, level, version)
    for item in snapshot.unread:
        click.echo(f"could not be read: {item.path}: {item.reason}", err=True)
    if snapshot.unread or any(one.unread for one in found):
        ctx.exit(Exit.INCOMPLETE)
    ctx.exit(Exit.FINDINGS if any(one.obstacles for one in found) else Exit.CLEAN)


def _print(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.encode(value).decode())


def _json(found: list[Bearing], level: str, version: str) -> None:
    del level, version
    rows = []
    for one in found:
        obstacles = [
            {"kind": o.kind, "name": o.name, "why": o.why, "fix": o.fix._asdict()} for o in one.obstacles
        ]
        row: dict[str, Any] = {
            "namespace": one.namespace, "level": one.level, "workloads": one.workloads, "obstacles": obstacles,
            "unread": list(one.unread),
        }  # fmt: skip
        if one.versions:
            row["versions"] = [
                {"level": span.level, "from": f"v1.{span.first}", "to": f"v1.{span.last}"}
                for span in one.versions
            ]
        rows.append(row)
    _print(rows)


def _labels(found: list[Bearing], level: str, version: str) -> None:
    prefix = "pod-security.kubernetes.io/"
    for one in found:
        if one.level is None:
            continue
        labels = []
        if one.level != "privileged":
            labels += [f"{prefix}enforce={one.level}", f"{prefix}enforce-version={version}"]
        if one.obstacles:
            labels += [
                f"{prefix}{mode}{tail}"
                for mode in ("warn", "audit")
                for tail in (f"={level}", f"-version={version}")
            ]
        click.echo(f"kubectl label --overwrite namespace {one.namespace} {' '.join(labels)}")


def _patches(found: list[Bearing], level: str, version: str) -> None:
    del level, version
    for one in found:
        for obstacle in one.obstacles:
            about = {"namespace": one.namespace, "kind": obstacle.kind, "name": obstacle.name}
            _print(about | obstacle.fix._asdict())


def _table(found: list[Bearing], level: str, version: str) -> None:
    del level, version
    for one in found:
        click.echo(f"{one.namespace}: bears {one.level or 'unknown'} ({one.workloads} workloads)")
        for span in one.versions:
            click.echo(f"  {span}")
        for obstacle in one.obstacles:
            click.echo(f"  {obstacle.kind}/{obstacle.name}: {obstacle.why}")
            for operation in obstacle.fix.patch:
                value = f" = {_short(operation['value'])}" if "value" in operation else ""
                click.echo(f"    {operation['op']} {operation['path']}{value}")
            if obstacle.fix.remaining:
                click.echo(f"    a person has to decide: {', '.join(obstacle.fix.remaining)}")
        for text in one.unread:
            click.echo(f"  could not be read: {text}")


def _short(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


@policy.command("check")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--kubernetes-version", default="1.34", show_default=True, help="The API server to answer as.")
@click.option("--user", default="system:admin", show_default=True, help="Who creates the objects.")
@click.option("--group", "groups", multiple=True, help="A group of the user.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def check_command(
    ctx: click.Context,
    paths: tuple[str, ...],
    kubernetes_version: str,
    user: str,
    groups: tuple[str, ...],
    output: str,
) -> None:
    """Check admission policies and bindings as the API server would, and judge the other objects by them.

    Says which fields would be refused, which expressions do not fit the types of the kinds they are for
    (warnings), which policies no binding puts into force, and what creating each object would be answered,
    with its cost. Exit code 1 where a policy would be refused or an object denied.
    """
    from seawall.policy.checking import check_policies
    from seawall.sources import read_paths

    snapshot = read_paths(paths)
    objects = [item.raw for item in snapshot.objects]
    if not objects:
        raise NothingToCheckError("no Kubernetes object was found", hint="give policies and manifests")
    found = check_policies(objects, version=kubernetes_version, user=user, groups=groups)
    if output == "json":
        _print(
            {
                "policies": found.policies,
                "problems": [problem._asdict() for problem in found.problems],
                "judged": [one._asdict() for one in found.judged],
                "assumed_namespaces": list(found.assumed),
                "unread": [*found.unread, *(f"{item.path}: {item.reason}" for item in snapshot.unread)],
            }
        )
    else:
        _checked(found)
    for item in snapshot.unread:
        click.echo(f"could not be read: {item.path}: {item.reason}", err=True)
    if snapshot.unread or found.unread:
        ctx.exit(Exit.INCOMPLETE)
    bad = any(not problem.warning for problem in found.problems) or any(
        not one.allowed for one in found.judged
    )
    ctx.exit(Exit.FINDINGS if bad else Exit.CLEAN)


def _checked(found: Checked) -> None:
    refused = len({(p.kind, p.name) for p in found.problems if not p.warning})
    click.echo(f"{found.policies} policies and bindings, {refused} would be refused")
    for problem in found.problems:
        sort = "warning" if problem.warning else "refused"
        click.echo(f"  {sort}: {problem.kind}/{problem.name}: {problem.field}: {problem.message}")
    denied = [one for one in found.judged if not one.allowed]
    click.echo(f"{len(found.judged)} objects, {len(denied)} would be denied")
    for one in found.judged:
        where = f"{one.namespace}/{one.name}" if one.namespace else one.name
        if not one.allowed:
            click.echo(f"  denied: {one.kind} {where}: {one.message}")
        for text in one.warnings:
            click.echo(f"  warning: {one.kind} {where}: {text}")
        if one.changed:
            click.echo(f"  changed: {one.kind} {where}")
    costs: dict[str, int] = {}
    for one in found.judged:
        for name, cost in one.costs.items():
            costs[name] = max(cost, costs.get(name, 0))
    for name, cost in sorted(costs.items()):
        click.echo(f"  cost: {name}: {cost} of 10,000,000 on the dearest of these objects")
    for name in found.assumed:
        click.echo(f"  note: namespace {name} is not among these files: taken as without labels")
    for text in found.unread:
        click.echo(f"  could not be judged: {text}")


@policy.command("profiles")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--kubernetes-version", default="1.34", show_default=True, help="Of the cluster.")
@click.option("--seccomp-default", is_flag=True, help="The kubelets' seccompDefault is on.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def profiles_command(
    ctx: click.Context, paths: tuple[str, ...], kubernetes_version: str, seccomp_default: bool, output: str
) -> None:
    """Say which seccomp and AppArmor profile each container really runs with on a version of Kubernetes.

    Warns of annotations and fields that this version does not read. Exit code 1 where there is a warning.
    """
    from seawall.core.engine import EngineOptions
    from seawall.policy.admission.engine import AdmissionEngine
    from seawall.policy.profiles import effective_profiles
    from seawall.snapshot.workloads import POD_TEMPLATE_OF_KIND
    from seawall.sources import read_paths

    minor = AdmissionEngine.of(EngineOptions(kubernetes_version=kubernetes_version)).minor
    snapshot = read_paths(paths)
    rows: list[dict[str, Any]] = []
    unread = [f"{item.path}: {item.reason}" for item in snapshot.unread]
    for item in snapshot.objects:
        raw = item.raw
        if raw.get("kind") not in POD_TEMPLATE_OF_KIND:
            continue
        metadata = raw.get("metadata") or {}
        about = {
            "kind": raw["kind"],
            "namespace": metadata.get("namespace") or "default",
            "name": metadata.get("name") or "",
        }
        try:
            found = effective_profiles(raw, minor, seccomp_default=seccomp_default)
        except InputError as error:
            unread.append(f"{about['kind']}/{about['name']}: {error.message}")
            continue
        rows.append(
            about | {"profiles": [p._asdict() for p in found.effective], "warnings": list(found.warnings)}
        )
    if not rows and not unread:
        raise NothingToCheckError("no pod and no workload was found", hint="give manifests")
    if output == "json":
        _print(rows)
    else:
        for row in rows:
            click.echo(f"{row['kind']} {row['namespace']}/{row['name']}")
            for one in row["profiles"]:
                click.echo(f"  {one['container']}: {one['kind']} {one['value']} ({one['source']})")
            for text in row["warnings"]:
                click.echo(f"  warning: {text}")
    for text in unread:
        click.echo(f"could not be read: {text}", err=True)
    if unread:
        ctx.exit(Exit.INCOMPLETE)
    ctx.exit(Exit.FINDINGS if any(row["warnings"] for row in rows) else Exit.CLEAN)
