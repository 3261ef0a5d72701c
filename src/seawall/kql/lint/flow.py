"""What a query does with the properties of a managed cluster: which are read, compared, tested, shown."""

from __future__ import annotations

from typing import Any

import msgspec

Path = tuple[str, ...]


class Read(msgspec.Struct, frozen=True):
    """A property that is read. `text` says that it went through a conversion to text."""

    path: Path
    pos: int
    where: bool
    text: bool


class Compared(msgspec.Struct, frozen=True):
    """A property that is compared with literals. `case` is `lower` or `upper` where it was made so before.

    `sure` says that the row is out where the comparison does not hold: a part of `where a and b`.
    """

    path: Path
    op: str
    values: tuple[Any, ...]
    pos: int
    text: bool
    case: str = ""
    sure: bool = False


class Tested(msgspec.Struct, frozen=True):
    """A property that is tested by isnull, isempty or their opposites."""

    path: Path
    function: str
    pos: int
    text: bool
    sure: bool = False


class Folded(msgspec.Struct, frozen=True):
    """A text that was made lower or upper case, and the literal that it is then compared with."""

    function: str
    value: str
    op: str
    pos: int


class Flow:
    """What was seen in a pipeline over managed clusters."""

    def __init__(self) -> None:
        self.reads: list[Read] = []
        self.compared: list[Compared] = []
        self.tested: list[Tested] = []
        self.folded: list[Folded] = []
        self.indexed: list[tuple[Path, int, int]] = []
        self.types: list[tuple[str, str, int]] = []
        self.expanded: list[tuple[Path, int]] = []
        self.shown: list[tuple[str, int]] = []
        self.repeated: list[int] = []
        """Offsets of conditions that an earlier one of the same `case` has taken already."""
        self.single: set[Path] = set()
        """Lists that the query has found to hold one element."""
        self.grouped = False
        self.verdict = False
        """Whether the query shows a condition as a column: then it decides there, not in `where` alone."""

    def decided(self) -> set[Path]:
        """Return the properties that a predicate looks at."""
        return {read.path for read in self.reads if read.where}
