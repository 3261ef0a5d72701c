"""`seawall access config` and `seawall access token`: the API server's own files, and whose token this is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall.cli.access.common import OUTPUT
from seawall.core.errors import InputError, NothingToCheckError, UsageError
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@OUTPUT
def config(paths: tuple[str, ...], output: str) -> None:
    """Would the API server start with these files? Exit code 1 when not.

    Reads every AuthenticationConfiguration, AuthorizationConfiguration and audit Policy below PATH; the errors are the
    API server's own.
    """
    from seawall.access.decide import KINDS, validated
    from seawall.cli.access.common import emit_answer, exit_with, place_of
    from seawall.sources import read_paths

    snapshot = read_paths(paths)
    found = [
        {"kind": item.kind, "at": place_of(snapshot, item.origin), **validated(item.raw)}
        for item in snapshot.objects
        if item.kind in KINDS and not (item.kind == "Policy" and item.group != "audit.k8s.io")
    ]
    for unread in snapshot.unread:
        click.echo(f"seawall: not read: {unread.path}: {unread.reason}", err=True)
    if not found:
        raise NothingToCheckError(
            "no configuration of the API server was found", hint=f"kinds: {', '.join(KINDS)}"
        )

    def text() -> Iterator[str]:
        for each in found:
            yield f"{each['at']}: {each['kind']}: {'valid' if each['valid'] else each['message']}"

    emit_answer(output, found, text)
    exit_with(Exit.CLEAN if all(each["valid"] for each in found) else Exit.FINDINGS, snapshot.unread)


@click.command()
@click.argument("file", default="-", metavar="[FILE]")
@click.option("--configuration", type=_FILE, help="An AuthenticationConfiguration.")
@click.option("--jwks", "key_files", multiple=True, metavar="ISSUER=FILE", help="The keys of an issuer.")
@click.option(
    "--sa-key",
    "sa_keys",
    multiple=True,
    type=_FILE,
    help="A public key of service accounts' tokens (sa.pub).",
)
@click.option(
    "--sa-issuer", "sa_issuers", multiple=True, metavar="URL", help="Their issuer, if not the usual one."
)
@click.option(
    "--entra-tenant", default="", metavar="ID", help="Take Entra's tokens of this tenant, as AKS does."
)
@click.option("--entra-groups", type=_FILE, help="Groups with their members, as Graph lists them.")
@click.option("--pop-host", default="", metavar="NAME", help="Take proofs of possession for this host.")
@click.option("--client-ca", type=_FILE, help="The authorities of client certificates: FILE is one then.")
@click.option("--as-of", required=True, metavar="TIME", help="When: RFC 3339, or seconds since 1970.")
@click.option("--snapshot", "paths", multiple=True, metavar="PATH", help="Objects that tokens are bound to.")
@OUTPUT
def token(
    file: str,
    configuration: Path | None,
    key_files: tuple[str, ...],
    sa_keys: tuple[Path, ...],
    sa_issuers: tuple[str, ...],
    entra_tenant: str,
    entra_groups: Path | None,
    pop_host: str,
    client_ca: Path | None,
    as_of: str,
    paths: tuple[str, ...],
    output: str,
) -> None:
    """Whose token (or certificate) is this? It is read from FILE or standard input, never from the command line, and never shown.

    Exit code 1 when it proves nobody. Nobody is asked: keys come from files.
    """
    from seawall.access.identities import Identities
    from seawall.cli.access.common import emit_answer
    from seawall.sources import read_paths

    world: dict[str, Any] = {
        "authentication": None if configuration is None else _document(configuration),
        "keys": {},
        "objects": [item.raw for item in read_paths(paths).objects] if paths else [],
    }
    for each in key_files:
        issuer, sign, path = each.rpartition("=")
        if not sign:
            raise UsageError(f"--jwks {each}", hint="write --jwks https://issuer.example=keys.json")
        world["keys"][issuer] = _document(Path(path))
    if sa_keys:
        keys = [_bytes(path).decode("utf-8", "replace") for path in sa_keys]
        world["serviceAccounts"] = {"keys": keys, "issuers": list(sa_issuers)}
    if entra_tenant:
        groups = None if entra_groups is None else _document(entra_groups)
        world["entra"] = {"tenant": entra_tenant, "host": pop_host, "groups": groups}
    given = sys.stdin.read() if file == "-" else _bytes(Path(file)).decode("utf-8", "replace")
    when: Any = float(as_of) if as_of.isdigit() and len(as_of) < 15 else as_of
    line: dict[str, Any] = {"token": given.strip(), "as_of": when}
    if client_ca is not None:
        authorities = _bytes(client_ca).decode("utf-8", "replace")
        line = {"certificate": given, "authorities": authorities, "as_of": when}
    answer = Identities.of(world).answer(line)

    def text() -> Iterator[str]:
        if not answer["authenticated"]:
            yield f"nobody: {answer.get('error', '')}"
            return
        user = answer["user"]
        yield f"user {user['username']}"
        if user.get("uid"):
            yield f"  uid {user['uid']}"
        yield from (f"  group {group}" for group in user.get("groups", ()))
        yield from (f"  extra {key} = {', '.join(values)}" for key, values in user.get("extra", {}).items())

    emit_answer(output, answer, text)
    click.get_current_context().exit(Exit.CLEAN if answer["authenticated"] else Exit.FINDINGS)


@click.command()
@click.argument("address")
@click.option(
    "--cluster", default="", metavar="ID", help="The cluster's Azure resource id; else every cluster."
)
@click.option(
    "--snapshot", "paths", multiple=True, required=True, metavar="PATH", help="Read the clusters from PATH."
)
@OUTPUT
def reach(address: str, cluster: str, paths: tuple[str, ...], output: str) -> None:
    """May ADDRESS open a connection to the API server of an AKS cluster? Exit code 1 when it may.

    Authorized ranges and private clusters; what a service tag stands for, and who is in a virtual network, is not known
    here and said so.
    """
    from seawall.access.authentication import may_reach
    from seawall.cli.access.common import emit_answer, exit_with
    from seawall.core.decision import Verdict
    from seawall.sources import read_paths

    snapshot = read_paths(paths)
    found = []
    for resource in snapshot.resources:
        row = resource.row
        if str(row.get("type") or "").lower() != "microsoft.containerservice/managedclusters":
            continue
        if cluster and str(row.get("id") or "").lower() != cluster.lower():
            continue
        answer = may_reach(row, address)
        found.append(
            {"cluster": str(row.get("id") or ""), "verdict": answer.verdict, "reason": answer.reason}
        )
    if not found:
        raise NothingToCheckError(
            "no AKS cluster was found", hint="give --snapshot what az aks list -o json writes"
        )

    def text() -> Iterator[str]:
        for each in found:
            yield f"{each['verdict']}: {each['cluster']}: {each['reason']}"

    emit_answer(output, found, text)
    verdicts = {each["verdict"] for each in found}
    if Verdict.UNKNOWN in verdicts:
        click.get_current_context().exit(Exit.INCOMPLETE)
    exit_with(Exit.FINDINGS if Verdict.ALLOW in verdicts else Exit.CLEAN, snapshot.unread)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", hint="give a file that is there") from None


def _document(path: Path) -> Any:
    """Read one YAML or JSON document."""
    from seawall.sources.yaml import load_all

    documents = [each for each in load_all(_bytes(path), str(path)) if each is not None]
    if len(documents) != 1:
        raise InputError(f"{path} holds {len(documents)} documents", hint="give a file with one")
    return documents[0]
