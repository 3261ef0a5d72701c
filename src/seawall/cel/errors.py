"""What can go wrong with an expression: it does not compile, it fails while it runs, it costs too much."""

from __future__ import annotations

from seawall.core.errors import InputError


class CompileError(InputError):
    """An expression that the API server would refuse; `problems` has each with its offset in the text.

    `message` shows the first with a caret below the place.
    """

    code = "cel-compile"

    def __init__(self, source: str, problems: list[tuple[int, str]]) -> None:
        self.source = source
        self.problems = problems
        super().__init__("\n".join(_shown(source, offset, text) for offset, text in problems[:10]))


class CelError(Exception):
    """An error value of CEL: `||`, `&&` and comprehensions may absorb it."""


class CostExceededError(Exception):
    """One evaluation cost more than a call may (1,000,000): nothing absorbs this. `cost` is how far it came."""

    def __init__(self, text: str, cost: int) -> None:
        super().__init__(text)
        self.cost = cost


class FaultError(Exception):
    """The server's own evaluation breaks where it counts the cost: nothing absorbs this either."""


class _Problem(Exception):  # noqa: N818 - internal to parser and checker, never seen outside
    def __init__(self, offset: int, text: str) -> None:
        super().__init__(text)
        self.offset = offset
        self.text = text


Problem = _Problem


def _shown(source: str, offset: int, text: str) -> str:
    offset = max(0, min(offset, len(source)))
    before = source[:offset]
    line = before.count("\n") + 1
    column = offset - (before.rfind("\n") + 1)
    shown = source.split("\n")[line - 1]
    return f"ERROR: <input>:{line}:{column + 1}: {text}\n | {shown}\n | {'.' * column}^"
