"""How Kusto names a column that was not given a name (specs b.4; measured on Microsoft's analyser)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.errors import Fault
from seawall.kql.facts import builtins
from seawall.kql.tree import Call, Dot, Expr, Index, Lit, Name, Named, Unary

if TYPE_CHECKING:
    from collections.abc import Container


def derived(node: Expr) -> str:
    """Return the name that an expression gives to its column; empty where it becomes `Column1`."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Dot):
        base = derived(node.base)
        return f"{base}_{node.key}" if base else node.key if isinstance(node.base, Lit) else ""
    if isinstance(node, Index):
        return _index(node)
    if isinstance(node, Call):
        return _call(node)
    if isinstance(node, Named):
        return node.names[0]
    return ""


def _index(node: Index) -> str:
    base = derived(node.base)
    if not base:
        own = isinstance(node.base, Lit) and isinstance(node.index, Lit)
        return str(node.index.value) if own else ""  # type: ignore[attr-defined] # as `own` says
    if isinstance(node.index, Lit):
        value = node.index.value
        return f"{base}_{abs(value) if isinstance(value, int) else value}"
    if isinstance(node.index, Unary) and isinstance(node.index.value, Lit):
        return f"{base}_{node.index.value.value}"
    return f"{base}_"


def _call(node: Call) -> str:
    if node.name in ("array_sort_asc", "array_sort_desc"):
        return f"{derived(node.args[0]) or 'array0'}_sorted" if node.args else ""
    table = builtins()
    known = table.functions.get(node.name)
    if known is None or (len(node.args) < known.fewest and node.name in table.aggregates):
        known = table.aggregates.get(
            node.name
        )  # tdigest_merge and its like are both, told by their arguments
        if known is None:
            return ""
        if node.name in ("count", "countif", "dcountif", "cnt") or known.naming == "prefix_first":
            return _aggregate(node, known.prefix)
        return derived(node.args[0]) if known.naming == "first" and node.args else ""
    if known.naming == "first":
        return derived(node.args[0]) if node.args else ""
    if known.naming == "only":
        return derived(node.args[0]) if len(node.args) == 1 else ""
    if known.naming == "name_first":
        inner = derived(node.args[0]) if node.args else ""
        return f"{node.name}_{inner}"
    if known.naming == "prefix_first":
        inner = derived(node.args[0]) if node.args else ""
        return f"{known.prefix or node.name}_{inner}"
    if known.naming == "prefix":
        return known.prefix
    if known.naming == "column":
        first = node.args[0] if node.args else None
        return str(first.value) if isinstance(first, Lit) else ""
    return ""


def _aggregate(node: Call, prefix: str) -> str:
    inner = derived(node.args[0]) if node.args else ""
    if prefix.startswith("covariance") and len(node.args) > 1:
        inner += f"_{derived(node.args[1])}"  # as the docs' answers have it
    return f"{prefix}_{inner}"


class Numbers:
    """The numbers of `Column1`, `Column2` ...: one row of them goes through a whole query (measured)."""

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = 0

    def take(self) -> int:
        """Return the next one."""
        self.last += 1
        return self.last


class Namer:
    """Hands out column names: a derived name that is taken gets a number, a missing one is `ColumnN`."""

    __slots__ = ("given", "numbers", "taken")

    def __init__(self, taken: set[str] | None = None, numbers: Numbers | None = None) -> None:
        self.taken = taken or set()
        self.given: set[str] = set()
        self.numbers = numbers or Numbers()

    def anonymous(self, above: Container[str] = ()) -> str:
        """Return the next `ColumnN` that is not a name of the table above."""
        while True:
            name = f"Column{self.numbers.take()}"
            if name not in above:
                return name

    def unique(self, name: str) -> str:
        """Return `name`, or `name1`, `name2` ... where it is taken."""
        name = name or self.anonymous()
        out, count = name, 0
        while out in self.taken:
            count += 1
            out = f"{name}{count}"
        self.taken.add(out)
        return out

    def claim(self, name: str, pos: int) -> str:
        """Take a name that the query gives: twice is an error (KS171), after a derived one it gets a number."""
        if name in self.given:
            raise Fault(f"a column {name!r} is already there", pos, hint="give it another name: new = ...")
        self.given.add(name)
        return self.unique(name)
