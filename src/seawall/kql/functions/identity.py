"""Functions that ask who runs the query, or the cluster about itself.

Nobody is signed in to a file: who asks is what the caller says (`Database(principal=...)`), else these are refused.
"""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.kql.bind.values import Ex, literal
from seawall.kql.errors import Fault, refuse
from seawall.kql.functions.registry import special, sql

HINT = "nobody is signed in to a file: say who asks (--principal)"


class Principal(msgspec.Struct, frozen=True):
    """Who a query runs as.

    Attributes:
        fqn: the fully qualified name, as `aaduser=OBJECT;TENANT`.
        details: what current_principal_details() gives; None where it is not known.
        groups: the principals that this one is a member of, in the same form; None where they are not known.
    """

    fqn: str
    details: dict[str, Any] | None = None
    groups: tuple[str, ...] | None = None

    @classmethod
    def of(cls, told: str | dict[str, Any]) -> Principal:
        """Read a name, or an object as current_principal_details() prints it, with `Groups` beside.

        Raises:
            ValueError: there is no name in it, or the groups are not a list of names.
        """
        if isinstance(told, str):
            if not told.strip():
                raise ValueError("the name of the principal is empty")
            return cls(told.strip())
        groups = told.get("Groups")
        if groups is not None and not (
            isinstance(groups, list) and all(isinstance(one, str) for one in groups)
        ):
            raise ValueError("Groups is not a list of names")
        details = {key: value for key, value in told.items() if key != "Groups"}
        fqn = details.get("FQN")
        return cls(
            fqn if isinstance(fqn, str) else "", details, tuple(groups) if groups is not None else None
        )

    @property
    def names(self) -> frozenset[str]:
        """What this principal itself is called, in lower case."""
        upn = (self.details or {}).get("UserPrincipalName")
        return frozenset(
            name.lower() for name in (self.fqn, f"aaduser={upn}" if isinstance(upn, str) else "") if name
        )


def _asker(binder: Any, node: Any) -> Principal:
    principal: Principal | None = binder.catalog.principal
    if principal is None:
        raise refuse(f"the function {node.name}()", node.pos, HINT)
    return principal


def _bare(node: Any) -> None:
    if node.args:
        raise Fault(f"{node.name}() takes no arguments", node.pos)


@special("current_principal")
def current_principal(binder: Any, node: Any, scope: Any) -> Ex:
    """`current_principal()`: the fully qualified name of who asks."""
    del scope
    _bare(node)
    asker = _asker(binder, node)
    if not asker.fqn:
        raise refuse(f"the function {node.name}()", node.pos, "the principal that was given has no FQN")
    return literal(asker.fqn, "string")


@special("current_principal_details")
def current_principal_details(binder: Any, node: Any, scope: Any) -> Ex:
    """`current_principal_details()`: a bag of what is known of who asks."""
    del scope
    _bare(node)
    asker = _asker(binder, node)
    if asker.details is None:
        raise refuse(f"the function {node.name}()", node.pos, "give --principal a file with the details")
    return literal(asker.details, "dynamic")


@special("current_principal_is_member_of")
def is_member(binder: Any, node: Any, scope: Any) -> Ex:
    """`current_principal_is_member_of(name, ...)`: whether one of these literals is who asks, or a group of theirs.

    False where nobody was named: nobody is a member of nothing.
    """
    if not node.args:
        raise Fault("current_principal_is_member_of() takes the names of principals", node.pos)
    asked: list[str] = []
    for arg in node.args:
        value = binder.ex(arg, scope)
        given = value.const if isinstance(value.const, list) else [value.const]
        if value.type not in ("string", "dynamic") or not all(isinstance(one, str) for one in given):
            raise Fault("current_principal_is_member_of() takes literal names", arg.pos)
        asked.extend(one.lower() for one in given)
    asker: Principal | None = binder.catalog.principal
    if asker is None:
        return literal(False, "bool")
    if any(name in asker.names for name in asked):
        return literal(True, "bool")
    if asker.groups is None:
        raise refuse(
            f"the function {node.name}()",
            node.pos,
            "the groups of the principal are not known: give `Groups`",
        )
    return literal(any(name in {one.lower() for one in asker.groups} for name in asked), "bool")


sql("extent_id extentid", "", "guid", "'00000000-0000-0000-0000-000000000000'")
# Records here are in no shard: the guid of zeros and no tags (docs: extent_id, extent_tags).
sql("extent_tags", "", "dynamic", "NULL::VARCHAR")


@special(
    "current_cluster_endpoint current_database ingestion_time cursor_after cursor_before_or_at cursor_current current_cursor current_node_id row_id"
)
def refused(binder: Any, node: Any, scope: Any) -> Ex:
    """Functions that ask the cluster about itself."""
    del binder, scope
    raise refuse(f"the function {node.name}()", node.pos, "it asks a Kusto cluster about itself")
