"""The Common Expression Language as Kubernetes speaks it: parse, check, compile, evaluate, count the cost.

program = compile_expression("object.spec.replicas <= 5", environment)
value, cost = program.run({"object": {...}})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.cel.checker import check
from seawall.cel.compile import Compiler, Frame
from seawall.cel.environment import Environment
from seawall.cel.errors import CelError, CompileError, CostExceededError, FaultError
from seawall.cel.library import functions_of
from seawall.cel.parser import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.cel.types import Type


class Program(NamedTuple):
    """A compiled expression; `type` is what it evaluates to."""

    source: str
    type: Type
    step: Callable[[Frame], Any]
    slots: int

    def run(self, variables: dict[str, Any]) -> tuple[Any, int]:
        """Evaluate.

        Args:
            variables: name -> value; JSON values as they were read.

        Returns:
            The value and the cost, in the server's units.

        Raises:
            CelError: the expression failed.
            CostExceededError: it cost more than one call may.
        """
        frame = Frame(variables, self.slots)
        try:
            value = self.step(frame)
        except RecursionError:
            raise CelError("nested too deeply") from None
        except FaultError as fault:
            raise CelError(str(fault)) from None
        frame.spend()
        return value, frame.cost

    def measure(self, variables: dict[str, Any]) -> tuple[Any, CelError | None, int]:
        """Evaluate, and return value, error and cost: what failed has cost too."""
        frame = Frame(variables, self.slots)
        try:
            value = self.step(frame)
            frame.spend()
        except CelError as error:
            return None, error, frame.cost
        except (FaultError, CostExceededError) as end:
            return None, CelError(str(end)), frame.cost
        except RecursionError:
            return None, CelError("nested too deeply"), frame.cost
        return value, None, frame.cost


def compile_expression(text: str, environment: Environment) -> Program:
    """Parse, check and compile an expression.

    Raises:
        CompileError: it does not parse or its types do not fit; with the place of each problem.
    """
    tree = parse(text, environment.functions.macros)
    kind = check(text, tree, environment)
    compiler = Compiler(environment, text)
    try:
        step = compiler.build(tree)
    except RecursionError:
        raise CompileError(text, [(0, "expression recursion limit exceeded")]) from None
    return Program(text, kind, step, compiler.slots)


__all__ = [
    "CelError",
    "CompileError",
    "CostExceededError",
    "Environment",
    "Program",
    "compile_expression",
    "functions_of",
]
