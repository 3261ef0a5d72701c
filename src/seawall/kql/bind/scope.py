"""What names mean at a place: the columns of the table at hand, and the `let` names around."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.bind.values import Ex

if TYPE_CHECKING:
    from seawall.kql.bind.relation import Rel
    from seawall.kql.tree import Expr, Lambda, Pipeline


class TableLet:
    """A `let` name (or a table parameter) that stands for a query, bound anew where it is used."""

    __slots__ = ("env", "number", "query", "rel")

    def __init__(
        self, query: Expr | Pipeline | None, env: Env, rel: Rel | None = None, number: int = 0
    ) -> None:
        self.query = query
        self.env = env
        self.rel = rel
        self.number = number


class FunctionLet:
    """A `let` name that stands for a function, with the names that it sees."""

    __slots__ = ("body", "env", "name")

    def __init__(self, name: str, body: Lambda, env: Env) -> None:
        self.name = name
        self.body = body
        self.env = env


Meaning = Ex | TableLet | FunctionLet


class Env:
    """A chain of `let` names."""

    __slots__ = ("names", "parent")

    def __init__(self, parent: Env | None = None) -> None:
        self.names: dict[str, Meaning] = {}
        self.parent = parent

    def find(self, name: str) -> Meaning | None:
        """Look a name up, from the inside out."""
        env: Env | None = self
        while env is not None:
            found = env.names.get(name)
            if found is not None:
                return found
            env = env.parent
        return None

    def views(self) -> list[str]:
        """Return the names of the functions that stand as tables beside those of the database (`let V = view () {}`)."""
        env: Env | None = self
        seen: dict[str, bool] = {}
        while env is not None:
            for name, meaning in env.names.items():
                seen.setdefault(name, isinstance(meaning, FunctionLet) and meaning.body.view)
            env = env.parent
        return [name for name, view in seen.items() if view]


class Scope:
    """The place where an expression is bound.

    `aggregate` allows aggregates and forbids bare columns; `states` are the steps of a scan by name;
    `sides` are `$left` and `$right` of a join; `serial` says that rows have an order.
    """

    __slots__ = ("aggregate", "env", "rel", "serial", "sides", "states")

    def __init__(self, rel: Rel | None, env: Env, *, aggregate: bool = False, serial: bool = False) -> None:
        self.rel = rel
        self.env = env
        self.aggregate = aggregate
        self.serial = serial
        self.sides: dict[str, Rel] = {}
        self.states: dict[str, dict[str, Ex]] = {}

    def inner(self) -> Scope:
        """Give the same place without aggregates: inside an aggregate's argument."""
        return Scope(self.rel, self.env)
