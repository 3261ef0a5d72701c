"""`scan`: a state machine over ordered rows. Refused by name: a wrong state would be a wrong answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.errors import refuse

if TYPE_CHECKING:
    from seawall.kql.bind.relation import Rel
    from seawall.kql.bind.scope import Env
    from seawall.kql.tree import Scan


def scan(binder: Any, node: Scan, rel: Rel, env: Env) -> Rel:
    """Refuse the operator, with its place."""
    del binder, rel, env
    raise refuse("the operator scan", node.pos)
