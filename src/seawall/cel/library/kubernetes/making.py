"""How overloads of types with dots in their names are made, and tests that are parsers."""

from __future__ import annotations

from typing import Any

from seawall.cel.environment import overload
from seawall.cel.errors import CelError


def method(receiver: str, rest: str, call: Any, cost: Any = None) -> Any:
    """Make a method of a type whose own name has dots."""
    made = overload("x." + rest, call, cost)
    args = tuple(_named(arg, receiver) for arg in made.args)
    return made._replace(args=args, result=_named(made.result, receiver))


def _named(kind: Any, receiver: str) -> Any:
    return kind._replace(kind=receiver) if kind.kind in {"x", "self"} else kind


def parses(parse: Any) -> Any:
    """Return a test: whether a parser takes a text."""

    def test(text: str) -> bool:
        try:
            parse(text)
        except CelError:
            return False
        return True

    return test
