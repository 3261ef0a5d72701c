"""`seawall serve SERVICE`: the engines as servers."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall.core.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from seawall.serve.api import Api
    from seawall.serve.service import Service
    from seawall.serve.worlds import Source

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_OPTIONS = [
    click.option("--address", default="127.0.0.1", show_default=True, help="Where to listen."),
    click.option("--port", default=8443, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."),
    click.option("--snapshot", "snapshots", multiple=True, metavar="PATH", help="Files of the world; watched."),
    click.option("--tls-cert", type=_FILE, help="The certificate; watched."),
    click.option("--tls-key", type=_FILE, help="Its key."),
    click.option("--tls-own", type=_FOLDER, metavar="FOLDER", help="Make certificates with an own authority kept here."),
    click.option("--tls-name", "tls_names", multiple=True, metavar="NAME", help="DNS name or address for --tls-own."),
    click.option("--webhook-config", "webhook_configs", multiple=True, type=_FILE, help="Keep caBundle in this file right."),
    click.option("--in-cluster", is_flag=True, help="The cluster of --watch and the others: the one that this is a pod of."),
    click.option("--kubeconfig", type=_FILE, help="The same: this one's cluster."),
    click.option("--watch", "watched", multiple=True, metavar="RESOURCE", help="Follow these objects of the cluster: v1/namespaces, GROUP/VERSION/PLURAL."),
    click.option("--tls-secret", metavar="NAMESPACE/NAME", help="Keep the folder of --tls-own in this Secret of the cluster."),
    click.option("--webhook-object", "webhook_objects", multiple=True, metavar="RESOURCE/NAME", help="Keep caBundle of this configuration in the cluster right."),
    click.option("--client-ca", type=_FILE, help="Callers must show a certificate of this authority."),
    click.option("--plain-http", is_flag=True, help="No TLS: behind a proxy that has it, or for a trial."),
    click.option("--decision-log", type=_FILE, help="Append each request with its answer, as JSON lines."),
    click.option("--decide/--no-decide", default=None, help="Offer POST /v1/decide/ENGINE (default: on loopback)."),
    click.option("--drain-seconds", default=5.0, show_default=True, type=click.FloatRange(0, 600), help="Serve on after SIGTERM."),
    click.option("--kubernetes-version", default="1.34", show_default=True, help="The API server to answer as."),
]  # fmt: skip


def hosted(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that every service of the host has."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def serve() -> None:
    """Serve the engines to an API server.

    Structured logs go to standard error. SIGHUP reloads at once, SIGTERM drains and ends.
    """


@serve.command()
@hosted
def admission(**options: Any) -> None:
    """Answer AdmissionReviews: POST /validate and POST /mutate."""
    from seawall.serve.admission import Admission

    run([Admission(options["kubernetes_version"])], options)


@serve.command()
@click.option(
    "--cluster", default="", metavar="ID", help="An AKS cluster's resource id: Azure RBAC is asked too."
)
@click.option("--entra-groups", type=_FILE, help="Groups with their members, as Graph lists them.")
@hosted
def authorization(cluster: str, entra_groups: Path | None, **options: Any) -> None:
    """Answer SubjectAccessReviews: POST /authorize.

    Register it behind RBAC in the API server's --authorization-config. The snapshot holds roles and bindings, and for
    --cluster role assignments, deny assignments and role definitions.
    """
    from seawall.cli.access.common import directory_of
    from seawall.serve.authorization import Authorization, AzureRows
    from seawall.serve.worlds import Files

    rows = [AzureRows(Files(options["snapshots"]))] if cluster else []
    run([Authorization(cluster, directory_of(entra_groups))], options, rows)


@serve.command()
@click.option(
    "--jwks",
    "key_files",
    multiple=True,
    metavar="ISSUER=FILE",
    help="Keys of an issuer; else they are fetched.",
)
@click.option(
    "--entra-tenant", default="", metavar="ID", help="Take Entra's tokens of this tenant, as AKS does."
)
@click.option(
    "--entra-audience", default="", metavar="ID", help="Their audience, if not the AKS server application."
)
@click.option("--entra-groups", type=_FILE, help="Groups with their members, for users in too many of them.")
@click.option("--pop-host", default="", metavar="NAME", help="Take proofs of possession for this host.")
@hosted
def authentication(
    key_files: tuple[str, ...],
    entra_tenant: str,
    entra_audience: str,
    entra_groups: Path | None,
    pop_host: str,
    **options: Any,
) -> None:
    """Answer TokenReviews: POST /authenticate.

    The snapshot holds an AuthenticationConfiguration, in the API server's own form.
    """
    from seawall.access.identities import Entra
    from seawall.access.tokens.entra import AKS_SERVER
    from seawall.cli.access.common import directory_of
    from seawall.serve.authentication import Authentication
    from seawall.serve.keys import KeyRing

    given = {}
    for each in key_files:
        issuer, sign, path = each.rpartition("=")
        if not sign:
            raise UsageError(f"--jwks {each}", hint="write --jwks https://issuer.example=keys.json")
        given[issuer] = Path(path)
    entra = None
    if entra_tenant:
        entra = Entra(entra_tenant, entra_audience or AKS_SERVER, pop_host, directory_of(entra_groups))
    elif entra_audience or entra_groups or pop_host:
        raise UsageError("options of Entra need --entra-tenant")
    run([Authentication(KeyRing(given), entra)], options)


def run(services: Sequence[Service], options: dict[str, Any], sources: Sequence[Source] = ()) -> None:
    """Run the host with some services until it is told to stop; `sources` come after the snapshot's files.

    Raises:
        SeawallError: it cannot begin.
    """
    try:
        import httptools  # noqa: F401 - the first that is missing says which extra to install
    except ImportError:
        raise MissingExtraError("the server", "serve") from None
    from seawall.cli.decide import answer_line
    from seawall.cli.engines import load_engine
    from seawall.core.engine import EngineOptions
    from seawall.serve.host import Host, Settings
    from seawall.serve.worlds import Files

    api = _api(options)
    cluster: list[Source] = []
    if options["watched"] and api is not None:
        from seawall.serve.cluster import Watched

        cluster.append(Watched(api, options["watched"]))
    engine_options = EngineOptions(kubernetes_version=options["kubernetes_version"])
    decide = options["decide"]
    settings = Settings(
        address=options["address"],
        port=options["port"],
        tls=_tls(options, api),
        decision_log=options["decision_log"],
        decide=_is_loopback(options["address"]) if decide is None else decide,
        drain_seconds=options["drain_seconds"],
    )
    host = Host(
        settings,
        services,
        [*([Files(options["snapshots"])] if options["snapshots"] else []), *cluster, *sources],
        load_engine=lambda name: load_engine(name, engine_options),
        answer_line=answer_line,
    )
    host.run()


def _api(options: dict[str, Any]) -> Api | None:
    """Return the cluster that options speak of, None where they speak of none."""
    inside, file = options["in_cluster"], options["kubeconfig"]
    wanted = options["watched"] or options["tls_secret"] or options["webhook_objects"]
    if inside and file:
        raise UsageError("--in-cluster and --kubeconfig name two clusters", hint="give one of them")
    if not inside and file is None:
        if wanted:
            raise UsageError(
                "--watch, --tls-secret and --webhook-object need a cluster",
                hint="give --in-cluster or --kubeconfig",
            )
        return None
    from seawall.serve.api import from_kubeconfig, in_cluster

    return in_cluster() if inside else from_kubeconfig(file)


def _tls(options: dict[str, Any], api: Api | None) -> Any:
    from seawall.serve.certificates import TlsSettings

    certificate, key, own = options["tls_cert"], options["tls_key"], options["tls_own"]
    if options["plain_http"]:
        others = ("client_ca", "webhook_configs", "tls_secret", "webhook_objects")
        if certificate or key or own or any(options[name] for name in others):
            raise UsageError("--plain-http goes with no other option of TLS")
        return None
    if own is None and (certificate is None or key is None):
        raise UsageError(
            "which certificate?",
            hint="give --tls-cert and --tls-key, or --tls-own FOLDER with --tls-name, or --plain-http",
        )
    if own is not None and (certificate or key):
        raise UsageError("--tls-own makes its own --tls-cert and --tls-key", hint="give one of the two")
    for name, shown in (
        ("webhook_configs", "--webhook-config"),
        ("webhook_objects", "--webhook-object"),
        ("tls_secret", "--tls-secret"),
    ):
        if options[name] and own is None:
            raise UsageError(f"{shown} needs --tls-own", hint="the authority of --tls-cert is not ours")
    names = options["tls_names"] or ("localhost", "127.0.0.1")
    secret, objects = None, []
    if api is not None and own is not None:
        from seawall.serve.cluster import SecretFolder

        if options["tls_secret"]:
            namespace, name = _pair(options["tls_secret"], "--tls-secret", "NAMESPACE/NAME")
            secret = SecretFolder(api, namespace, name, own)
        for each in options["webhook_objects"]:
            resource, name = _pair(each, "--webhook-object", "validatingwebhookconfigurations/NAME")
            objects.append((api, resource, name))
    configs = options["webhook_configs"]
    return TlsSettings(certificate, key, own, names, options["client_ca"], configs, secret, tuple(objects))


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    first, slash, second = text.partition("/")
    if not (first and slash and second) or "/" in second:
        raise UsageError(f"{option} {text}", hint=f"write {option} {form}")
    return first, second


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
