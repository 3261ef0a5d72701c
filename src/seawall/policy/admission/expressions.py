"""The expressions of one policy, compiled once, and their evaluation with the server's budgets and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.cel import (
    CelError,
    CompileError,
    Environment,
    Program,
    compile_expression,
    functions_of,
)
from seawall.cel.types import DYN, Type
from seawall.policy.admission.typed.celtypes import ObjectTypes
from seawall.policy.admission.variables import BASE, OBJECTS

if TYPE_CHECKING:
    from seawall.policy.admission.typed.model import Reference

Json = dict[str, Any]
BUDGET = 10_000_000  # RuntimeCELCostBudget
CONDITIONS_BUDGET = 2_500_000  # RuntimeCELCostBudgetMatchConditions
OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"
OUT_OF_TIME = (
    "validation failed due to running out of the caller's time, no further validation rules will be run"
)
VARIABLES = "kubernetes.variables"


EXPIRED = " expired"
"""The key of the variables under which a caller may put a function that says that its time is over."""


class OutOfBudgetError(Exception):
    """No further expression runs."""


class Expression(NamedTuple):
    """A compiled expression, or what is wrong with it."""

    source: str
    program: Program | None
    error: str = ""


class Scope:
    """The environment of a policy: what its expressions may name, growing by its variables."""

    def __init__(self, minor: int, *, params: bool, subject: Reference | None = None) -> None:
        """Make the environment; `subject` is the type of the object, dynamic where it is not known."""
        names = dict(BASE)
        if params:
            names["params"] = DYN
        self.fields: dict[str, Type] = {}
        names["variables"] = Type(VARIABLES)
        objects: Any = OBJECTS | {VARIABLES: self.fields}
        if subject is not None:
            objects = ObjectTypes(objects, subject)
            names["object"] = names["oldObject"] = objects.root
        # Variables and conditions know no `Object{}`: only mutations do (apiserver mutating/compilation.go).
        self.plain, self.patching = (
            Environment(
                functions_of(minor, patches=patches), names, objects, frozenset({"variables"}), patches
            )
            for patches in (False, True)
        )
        # Messages know no authorizer (apiserver validating/plugin.go).
        spoken = {name: kind for name, kind in names.items() if not name.startswith("authorizer")}
        self.silent = self.plain._replace(variables=spoken)

    def compile(
        self, source: str, returns: tuple[str, ...] = (), *, patches: bool = False, silent: bool = False
    ) -> Expression:
        """Compile an expression that must evaluate to one of the types named (any, when none is).

        `patches` lets it make `Object{}` and `JSONPatch{}`; `silent` hides the authorizer from it.
        """
        try:
            program = compile_expression(
                source, self.patching if patches else self.silent if silent else self.plain
            )
        except CompileError as error:
            return Expression(source, None, f"compilation failed: {error.message}")
        if returns and str(program.type) not in returns:
            wanted = returns[0] if len(returns) == 1 else f"one of [{' '.join(returns)}]"
            return Expression(source, None, f"must evaluate to {wanted} but got {program.type}")
        return Expression(source, program)

    def variable(self, name: str, source: str) -> Expression:
        """Compile a variable and make it known to the expressions after it."""
        found = self.compile(source)
        self.fields[name] = found.program.type if found.program else DYN
        return found


class Lazy:
    """`variables`: each computed when it is first read, once; an error stays an error."""

    def __init__(self, expressions: dict[str, Expression], values: Json) -> None:
        self.expressions = expressions
        self.values = values
        self.known: dict[str, Any] = {}
        self.cost = 0

    def resolve(self, name: str) -> Any:
        """Return the value of a variable. Raises CelError."""
        if name not in self.known:
            expression = self.expressions.get(name)
            if expression is None:
                raise CelError(f"no such key: {name}")
            if expression.program is None:
                self.known[name] = CelError(
                    f'composited variable "{name}" fails to compile: {expression.error}'
                )
            else:
                value, error, cost = expression.program.measure(self.values)
                self.cost += cost
                self.known[name] = (
                    CelError(f'composited variable "{name}" fails to evaluate: {error}') if error else value
                )
        found = self.known[name]
        if isinstance(found, CelError):
            raise found
        return found


class Outcome(NamedTuple):
    """The value of an expression, or the error as the server words it."""

    value: Any
    error: str = ""


class Evaluation:
    """Evaluates expressions one after another against one budget."""

    def __init__(self, values: Json, budget: int) -> None:
        self.values = values
        self.budget = budget

    def run(self, expression: Expression) -> Outcome:
        """Evaluate. Raises OutOfBudgetError."""
        if expression.program is None:
            return Outcome(None, f"compilation error: {expression.error}")
        expired = self.values.get(EXPIRED)
        if expired is not None and expired():
            # The webhook's caller would give up: an error, so that the policy's own failurePolicy decides.
            raise OutOfBudgetError(OUT_OF_TIME)
        lazy = self.values.get("variables")
        before = lazy.cost if isinstance(lazy, Lazy) else 0
        value, error, cost = expression.program.measure(self.values)
        if isinstance(lazy, Lazy):
            cost += lazy.cost - before
        if cost > self.budget:
            raise OutOfBudgetError(OUT_OF_BUDGET)
        self.budget -= cost
        if error is not None:
            return Outcome(None, f"expression '{expression.source}' resulted in error: {error}")
        return Outcome(value)
