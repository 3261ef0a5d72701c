"""Who a Calico rule names at one of its ends: selectors, nets, services and their nots, as one peer match."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import InputError
from seawall.network.calico.labels import (
    ACCOUNT_LABEL,
    ACCOUNT_PREFIX,
    NAMESPACE_LABEL,
    SPACE_PREFIX,
    bind,
    on_labels,
    prefixed,
)
from seawall.network.calico.selector import GLOBAL, parse_selector
from seawall.network.expressions import (
    EVERYBODY,
    HAS,
    IN,
    POD,
    Every,
    Expression,
    Non,
    Some,
    Term,
    both,
)
from seawall.network.rules import ALL, Clause, PeerMatch

if TYPE_CHECKING:
    from seawall.network.calico.labels import Accounts
    from seawall.network.model import Network

_IN_SPACE = Term(POD, NAMESPACE_LABEL, HAS)
_ENTITY_FIELDS = frozenset(
    {
        "selector",
        "notSelector",
        "namespaceSelector",
        "nets",
        "notNets",
        "ports",
        "notPorts",
        "serviceAccounts",
        "services",
    }
)
_EVERY4, _EVERY6 = ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")


class NetworkSet(msgspec.Struct, frozen=True):
    """A NetworkSet or GlobalNetworkSet: its nets, and the labels that selectors see, inherited ones included."""

    labels: dict[str, str]
    nets: tuple[Network, ...]


class Sets:
    """What selectors of rules look at beside pods: network sets, and the labels of service accounts."""

    def __init__(self, sets: list[NetworkSet], accounts: Accounts) -> None:
        self.sets = sets
        self.accounts = accounts

    def members(self, expression: Expression) -> tuple[PeerMatch, ...]:
        """Return the pods and the nets of network sets that an expression means."""
        nets = {net: None for item in self.sets if on_labels(expression, item.labels) for net in item.nets}
        return (PeerMatch(where=bind(expression, self.accounts)), *(PeerMatch(block=net) for net in nets))


def read_net(text: Any, where: str) -> Network:
    """Read a net: a CIDR, whose host bits are cut off, or one address.

    Raises:
        InputError: it is none.
    """
    try:
        return ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        raise InputError(f"{where}: Invalid value: {text!r}: invalid CIDR") from None


def in_spaces(text: str, where: str) -> Expression:
    """Read a namespaceSelector: labels of namespaces; all() means any namespace, global() none (b3)."""
    return _spaces(prefixed(parse_selector(text, where), SPACE_PREFIX))


def _spaces(expression: Expression) -> Expression:
    if expression == EVERYBODY:
        return _IN_SPACE
    if expression == GLOBAL:
        return Non(_IN_SPACE)
    if isinstance(expression, (Every, Some)):
        return type(expression)(tuple(_spaces(part) for part in expression.parts))
    return Non(_spaces(expression.part)) if isinstance(expression, Non) else expression


def has_global(expression: Expression) -> bool:
    """Tell whether global() stands anywhere in an expression."""
    if expression == GLOBAL:
        return True
    if isinstance(expression, Non):
        return has_global(expression.part)
    return isinstance(expression, (Every, Some)) and any(has_global(part) for part in expression.parts)


def in_accounts(value: Any, where: str) -> Expression:
    """Read serviceAccounts of a rule: names, and a selector over the labels of accounts; both must hold."""
    if not isinstance(value, dict):
        raise InputError(f"{where}: serviceAccounts is an object")
    parts: list[Expression] = []
    if value.get("selector"):
        parts.append(prefixed(parse_selector(str(value["selector"]), f"{where}.selector"), ACCOUNT_PREFIX))
    if value.get("names"):
        parts.append(Term(POD, ACCOUNT_LABEL, IN, frozenset(map(str, value["names"]))))
    return both(*parts)


def entity_clauses(
    entity: dict[str, Any], namespace: str, sets: Sets, where: str, version: Any = None
) -> list[Clause]:
    """Return the conditions that an end of a rule must meet; services and ports are read elsewhere.

    Raises:
        InputError: a field that has no meaning, by name.
    """
    unknown = sorted(set(entity) - _ENTITY_FIELDS)
    if unknown:
        raise InputError(f"{where}.{unknown[0]}: this field is not decided")
    clauses: list[Clause] = []
    expression = _selected(entity, namespace, where)
    if expression is not None:
        clauses.append(Clause(sets.members(expression)))
    nets = [read_net(item, f"{where}.nets[{n}]") for n, item in enumerate(entity.get("nets") or [])]
    not_nets = [read_net(item, f"{where}.notNets[{n}]") for n, item in enumerate(entity.get("notNets") or [])]
    families = {net.version for net in (*nets, *not_nets)}
    if len(families) > 1 or (version is not None and families - {version}):
        raise InputError(
            f"{where}.nets: rule contains both IPv4 and IPv6 CIDRs, or not those of its ipVersion"
        )
    if nets:
        clauses.append(Clause(tuple(PeerMatch(block=net) for net in nets)))
    if not_nets:
        clauses.append(Clause(tuple(PeerMatch(block=net) for net in not_nets), negated=True))
    if entity.get("notSelector"):
        excluded = _plain(str(entity["notSelector"]), f"{where}.notSelector")
        clauses.append(Clause(sets.members(excluded), negated=True))
    if version is not None:
        clauses.append(_version_clause(version))
    return clauses


def _plain(text: str, where: str) -> Expression:
    expression = parse_selector(text, where)
    if has_global(expression):
        raise InputError(
            f"{where}: Invalid value: {text!r}: global() can only be used in a namespaceSelector"
        )
    return expression


def _selected(entity: dict[str, Any], namespace: str, where: str) -> Expression | None:
    """Return what selector, namespaceSelector and serviceAccounts select together; None where none is given."""
    parts: list[Expression] = []
    spaces = entity.get("namespaceSelector")
    if entity.get("serviceAccounts") is not None:
        parts.append(in_accounts(entity["serviceAccounts"], f"{where}.serviceAccounts"))
    if entity.get("selector"):
        parts.append(_plain(str(entity["selector"]), f"{where}.selector"))
    named = [part for part in parts if part != EVERYBODY] or ([EVERYBODY] if entity.get("selector") else [])
    if spaces:
        read = parse_selector(str(spaces), f"{where}.namespaceSelector")
        if has_global(read) and read != GLOBAL:
            raise InputError(f"{where}.namespaceSelector: global() must be the only selector")
        return both(in_spaces(str(spaces), f"{where}.namespaceSelector"), *named)
    if namespace and (named or entity.get("notSelector")):
        # Any selector confines a namespaced policy's rule to its own namespace, notSelector too.
        return both(Term(POD, NAMESPACE_LABEL, IN, frozenset({namespace})), *named)
    return both(*named) if named else None


def _version_clause(version: int) -> Clause:
    """Confine an end to one family; an end whose address nobody knows is taken as IPv4."""
    if version == 6:
        return Clause((PeerMatch(block=_EVERY6),))
    only6 = PeerMatch(block=_EVERY6, also=(Clause((PeerMatch(block=_EVERY4),), negated=True),))
    return Clause((only6,), negated=True)


def joined(clauses: list[Clause]) -> tuple[PeerMatch, ...] | None:
    """Return clauses as the peers of a rule: alternatives that all other clauses confine; None for everybody."""
    if not clauses:
        return None
    for clause in clauses:
        if not clause.negated:
            rest = tuple(item for item in clauses if item is not clause)
            return tuple(
                msgspec.structs.replace(item, also=(*item.also, *rest)) if rest else item
                for item in clause.alternatives
            )
    return (PeerMatch(entity=ALL, also=tuple(clauses)),)


def narrowed(clauses: list[Clause]) -> PeerMatch | None:
    """Return clauses as the condition on the policy's own pods; None for all of them."""
    return PeerMatch(entity=ALL, also=tuple(clauses)) if clauses else None
