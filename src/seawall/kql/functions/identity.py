"""Functions that ask who runs the query, or the cluster about itself.

Nobody is signed in to a file: who asks is what the caller says (`Database(principal=...)`), else these are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind.values import Ex, literal
from seawall.kql.errors import Fault, refuse
from seawall.kql.functions.registry import special, sql

if TYPE_CHECKING:
    from seawall.kql.principal import Principal

HINT = "nobody is signed in to a file: say who asks (--principal)"


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
