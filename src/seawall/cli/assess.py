"""`seawall assess PATH...`: the main job."""

from __future__ import annotations

from pathlib import Path

import click

WAIVER_FILE = "seawall-waivers.yaml"
_LEVELS = ("critical", "high", "medium", "low", "none")


@click.command()
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="table (default), json, jsonl, sarif, junit, markdown, csv, github, html. May be given several times.",
)
@click.option(
    "--fail-on",
    type=click.Choice(_LEVELS),
    default="low",
    show_default=True,
    help="Exit 1 for failing findings at or above this severity.",
)
@click.option(
    "--control", "controls", multiple=True, metavar="ID", help="Only this control (id or SW- alias)."
)
@click.option(
    "--chapter", "chapters", multiple=True, metavar="NAME", help="Only the controls of this chapter."
)
@click.option(
    "--framework",
    metavar="NAME",
    default="",
    help="Report by the requirements of a framework: cis-aks-1.8, mcsb, nsa-cisa, pss.",
)
@click.option("--include-passed", is_flag=True, help="Also show the findings that passed.")
@click.option("--as-of", metavar="DATE", help="Read calendars and waivers at this date instead of today.")
@click.option(
    "--waivers",
    metavar="FILE",
    help=f"Waivers with reason, owner and expiry (default: ./{WAIVER_FILE} where it is).",
)
@click.option("--baseline", metavar="FILE", help="Findings of this baseline do not count.")
@click.option("--write-baseline", metavar="FILE", help="Write the failing findings as a baseline.")
@click.option("--accept-new", is_flag=True, help="Let --write-baseline grow a baseline that is there.")
@click.option(
    "--catalogue", "catalogues", multiple=True, metavar="FOLDER", help="More controls: FOLDER/CHAPTER/ID.kql."
)
@click.option(
    "--no-inline-waivers", is_flag=True, help="Pass over waivers in the files: comments and annotations."
)
@click.option(
    "--strict-waivers", is_flag=True, help="Exit 2 for a waiver that is expired, not used or not understood."
)
@click.option("-q", "--quiet", is_flag=True, help="No warnings on standard error.")
@click.pass_context
def assess(
    ctx: click.Context,
    paths: tuple[str, ...],
    outputs: tuple[str, ...],
    fail_on: str,
    controls: tuple[str, ...],
    chapters: tuple[str, ...],
    framework: str,
    include_passed: bool,
    as_of: str | None,
    waivers: str | None,
    baseline: str | None,
    write_baseline: str | None,
    accept_new: bool,
    catalogues: tuple[str, ...],
    no_inline_waivers: bool,
    strict_waivers: bool,
    quiet: bool,
) -> None:
    """Say exactly where an estate stands: a report over everything found in PATH...

    PATH is a file, a folder, or - for standard input: Kubernetes manifests and dumps, Helm charts and
    Kustomize overlays, az and Resource Graph JSON, ARM templates (Bicep compiled), Terraform plan JSON.
    """
    from seawall.cli.output import parse_outputs, write_report
    from seawall.controls import Catalogue, Options, run
    from seawall.core import Clock, FixedClock, Severity, SystemClock, UsageError, exit_code, parse_moment

    if not paths:
        raise UsageError("no PATH is given", hint="try: seawall assess .   (or - for standard input)")
    targets = parse_outputs(outputs, "table")
    clock: Clock = FixedClock(parse_moment(as_of)) if as_of else SystemClock()
    catalogue = Catalogue.with_extra(catalogues)
    if waivers is None and Path(WAIVER_FILE).is_file():
        waivers = WAIVER_FILE
    unknown = set(chapters) - set(catalogue.chapters())
    if unknown:
        raise UsageError(
            f"no chapter is called {min(unknown)!r}", hint=f"chapters: {', '.join(catalogue.chapters())}"
        )
    options = Options(
        now=clock.now(),
        controls=frozenset(controls),
        chapters=frozenset(chapters),
        framework=framework,
        include_passed=include_passed,
    )
    report = run(
        paths,
        catalogue,
        options,
        waivers=waivers,
        baseline=baseline,
        write_baseline=write_baseline,
        accept_new=accept_new,
        inline=not no_inline_waivers,
    )
    write_report(report, targets)
    if not quiet:
        for warning in report.warnings:
            click.echo(f"seawall: warning: {warning}", err=True)
    if strict_waivers and report.warnings:
        raise UsageError(
            f"{len(report.warnings)} waivers are expired, not used or not understood",
            hint="see the warnings; mend the waivers, or leave out --strict-waivers",
        )
    subjects = report.counts.objects + report.counts.resources
    if not subjects and not report.unread:
        click.echo(
            f"seawall: nothing to check was found in {', '.join(paths)}"
            f" ({report.counts.ignored} files of other kinds): zero resources is not a pass",
            err=True,
        )
    threshold = None if fail_on == "none" else Severity(fail_on)
    ctx.exit(exit_code(report.findings, fail_on=threshold, subjects=subjects, unread=len(report.unread)))
