"""Which engine enforces the policies, and what those of Calico's and Cilium's own kinds mean on it (specs b3 to b5).

An engine reads its own policies and Kubernetes'; those of the other do nothing there, and that is said. Where nobody
says which engine runs, policies of its own kind do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import InputError
from seawall.network.calico.policies import STAGED, CalicoReader
from seawall.network.cilium.policies import CiliumReader
from seawall.network.model import MISSHAPEN, misshapen
from seawall.network.problem import Problem
from seawall.network.profiles import read_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from seawall.network.estate import NetworkEstate
    from seawall.network.rules import Policy

CLUSTER = "microsoft.containerservice/managedclusters"
VENDORS = ("calico", "cilium")
_SPEAK = {"calico": frozenset({"HostEndpoint"}), "cilium": frozenset[str]()}
_POLICIES = {
    "calico": frozenset({"NetworkPolicy", "GlobalNetworkPolicy"}),
    "cilium": frozenset({"CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"}),
}
_HINT = "leave it out, and read the answers as those of the other policies alone"


def owner_of(raw: dict[str, Any]) -> str:
    """Return whose API an object is of: calico, cilium or none."""
    group = str(raw.get("apiVersion") or "").partition("/")[0]
    if group in {"crd.projectcalico.org", "projectcalico.org"}:
        return "calico"
    return "cilium" if group == "cilium.io" else ""


def engine_of_clusters(clusters: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """Return the engines that managed clusters say they enforce policies by, in stable order."""
    found: set[str] = set()
    for cluster in clusters:
        if str(cluster.get("type") or "").lower() != CLUSTER:
            continue
        properties = cluster.get("properties") or {}
        profile = properties.get("networkProfile") or {}
        name = str(profile.get("networkPolicy") or "").lower()
        if name == "cilium" or str(profile.get("networkDataplane") or "").lower() == "cilium":
            found.add("cilium")
        elif name == "calico":
            found.add("calico")
        elif name == "azure":
            found.add("npm-linux")
            pools = properties.get("agentPoolProfiles") or []
            if any(str(pool.get("osType")).lower() == "windows" for pool in pools):
                found.add("npm-windows")
    return tuple(sorted(found))


def one_engine(clusters: Iterable[dict[str, Any]]) -> str:
    """Return the engine of the clusters where they all have the same, else nothing."""
    found = engine_of_clusters(clusters)
    return found[0] if len(found) == 1 else ""


def settle(estate: NetworkEstate, policies: list[Policy], *, strict: bool) -> list[Policy]:
    """Return Kubernetes' policies and those of the engine's own kind; say of all others that they do nothing.

    Sets `estate.engine` where nobody said which engine runs.

    Raises:
        InputError: policies of both engines and nobody says which runs; with `strict`, a policy that is refused.
    """
    present = [
        name
        for name in VENDORS
        if any(
            owner_of(raw) == name and raw.get("kind") in _POLICIES[name] | _SPEAK[name]
            for raw in estate.vendors
        )
    ]
    if not present:
        return policies
    if not estate.engine and len(present) > 1:
        reason = "policies of Calico's and of Cilium's own kinds were read, and only one of them enforces"
        if strict:
            raise InputError(reason, hint="leave one of them out, or say which engine runs with --engine")
        estate.problems.append(Problem("NetworkPolicy", "", "", reason, refused=False))
        return policies
    estate.engine = estate.engine or present[0]
    mine = [raw for raw in estate.vendors if owner_of(raw) == estate.engine]
    for raw in estate.vendors:
        if owner_of(raw) != estate.engine and raw.get("kind") in _POLICIES.get(owner_of(raw), ()):
            reason = (
                f"{_called(raw)}: {estate.engine} runs here and does not read policies of {owner_of(raw)}"
            )
            estate.problems.append(_problem(raw, reason, idle=True))
    if estate.engine == "calico":
        return _calico(estate, policies, mine, strict=strict)
    if estate.engine == "cilium":
        return _cilium(estate, policies, mine, strict=strict)
    return policies


def _cilium(
    estate: NetworkEstate, policies: list[Policy], raws: list[dict[str, Any]], *, strict: bool
) -> list[Policy]:
    reader = CiliumReader(estate)
    found: list[Policy] = []

    def take(raw: dict[str, Any]) -> None:
        if raw.get("kind") in _POLICIES["cilium"]:
            found.extend(reader.read(raw))

    for ask in (reader.learn, take):
        for raw in raws:
            _guarded(ask, raw, estate, strict=strict)
    own = [
        read_as(item, "cilium", estate.family) if item.tier == "networkpolicy" else item for item in policies
    ]
    kept: list[Policy] = []

    def require(_: dict[str, Any]) -> None:
        kept.extend(reader.required([*own, *found]))

    _guarded(require, {"kind": "CiliumNetworkPolicy"}, estate, strict=strict)
    return kept or [*own, *found]


def _calico(
    estate: NetworkEstate, policies: list[Policy], raws: list[dict[str, Any]], *, strict: bool
) -> list[Policy]:
    reader = CalicoReader(estate)
    found: list[Policy] = []

    def take(raw: dict[str, Any]) -> None:
        kind = raw.get("kind")
        if kind in _POLICIES["calico"]:
            policy = reader.read(raw)
            found.extend([] if policy is None else [policy])
        elif kind == "Profile" and not _usual(raw):
            raise InputError(f"{_called(raw)} of Calico: it is not decided", hint=_HINT)
        elif kind in STAGED:
            reason = f"{_called(raw)} is staged: Calico reports on it and enforces nothing of it"
            estate.problems.append(_problem(raw, reason, idle=True))

    for ask in (reader.learn, take):
        for raw in raws:
            _guarded(ask, raw, estate, strict=strict)
    # Kubernetes' policies stand in the tier `default`, by order and then by name.
    stage = reader.default_stage
    for item in policies:
        if item.tier == "networkpolicy":
            name = f"{item.namespace}/knp.default.{item.name}"
            found.append(msgspec.structs.replace(item, stage=stage, tie=name))
        else:
            found.append(item)
    return found


def _guarded(
    read: Callable[[dict[str, Any]], None], raw: dict[str, Any], estate: NetworkEstate, *, strict: bool
) -> None:
    """Read an object; with `strict` what is refused raises, else it is a problem."""
    try:
        try:
            read(raw)
        except MISSHAPEN as error:
            raise misshapen(raw, error) from None
    except InputError as error:
        if strict:
            raise
        estate.problems.append(_problem(raw, error.message))


def _usual(raw: dict[str, Any]) -> bool:
    """Tell whether a profile is one of those that Calico makes of namespaces and accounts: they allow everything."""
    name = str((raw.get("metadata") or {}).get("name") or "")
    spec = raw.get("spec") or {}
    if name.startswith("kns."):
        return all(
            [item.get("action") for item in spec.get(way) or []] == ["Allow"] for way in ("ingress", "egress")
        )
    # A profile of an account has no rules; any other is of host endpoints, and no pod has it.
    return not (name.startswith("ksa.") and (spec.get("ingress") or spec.get("egress")))


def _called(raw: dict[str, Any]) -> str:
    metadata = raw.get("metadata") if isinstance(raw.get("metadata"), dict) else {}
    name = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata and metadata.get(key))
    return f"{raw.get('kind')} {name}"


def _problem(raw: dict[str, Any], reason: str, *, idle: bool = False) -> Problem:
    metadata = raw.get("metadata") if isinstance(raw.get("metadata"), dict) else {}
    namespace = str((metadata or {}).get("namespace") or "")
    return Problem(
        str(raw.get("kind")),
        namespace,
        str((metadata or {}).get("name") or ""),
        reason,
        refused=False,
        idle=idle,
    )
