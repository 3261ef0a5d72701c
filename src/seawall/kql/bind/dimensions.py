"""The dimensions of a plugin: its last arguments, by which it counts apart, as columns d0, d1 ... of its SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind.names import Namer, derived
from seawall.kql.bind.relation import Col
from seawall.kql.bind.values import Ex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seawall.kql.bind.scope import Scope
    from seawall.kql.tree import Expr


class Dimensions:
    """Dimension columns. `held` are their names in SQL, `comma` those names with a comma before each."""

    def __init__(self, binder: Any, args: Sequence[Expr], scope: Scope) -> None:
        self.args = args
        self.values: list[Ex] = [binder.ex(arg, scope) for arg in args]
        self.held = [f"d{i}" for i in range(len(args))]
        self.comma = "".join(f", {name}" for name in self.held)

    def items(self) -> list[str]:
        """Write what computes each: `value AS d0`."""
        return [f"{ex.sql} AS {name}" for name, ex in zip(self.held, self.values, strict=True)]

    def of(self, table: str) -> str:
        """Write the dimensions of a table after what stands before them."""
        return "".join(f", {table}.{name}" for name in self.held)

    def same(self, left: str, right: str) -> str:
        """Write that two tables' rows have the same dimensions."""
        return "".join(f" AND {left}.{name} IS NOT DISTINCT FROM {right}.{name}" for name in self.held)

    def columns(self, alias: str, namer: Namer) -> list[Col]:
        """Give them as columns of the answer, under the names that Kusto derives."""
        cols: list[Col] = []
        for arg, name, ex in zip(self.args, self.held, self.values, strict=True):
            place = f"{alias}.{name}"
            base = place if ex.type == "dynamic" else ""
            cols.append(Col(namer.unique(derived(arg)), Ex(place, ex.type, base=base)))
        return cols
