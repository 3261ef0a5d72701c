"""Operators that change a table's shape: mv-apply, partition, evaluate, make-series, search, scan ..."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.bind.tables import Tables
from seawall.kql.errors import refuse

if TYPE_CHECKING:
    from seawall.kql.bind.relation import Rel
    from seawall.kql.bind.scope import Env
    from seawall.kql.tree import Operator


class Shapes(Tables):
    """The part of the binder that changes a table's shape."""

    def shape_step(self, node: Operator, rel: Rel, env: Env) -> Rel:
        """Bind the operators of this module."""
        del rel, env
        raise refuse(f"the operator {type(node).__name__}", node.pos)

    def other_source(self, node: Operator, env: Env) -> Rel:
        """Bind an operator that stands first."""
        del env
        raise refuse(f"the operator {type(node).__name__}", node.pos)
