"""What a validating and a mutating policy have alike: compiled variables and conditions, and whom they are about."""

from __future__ import annotations

from typing import Any

from seawall.policy.admission.expressions import Scope
from seawall.policy.admission.world import name_of

Json = dict[str, Any]


class CompiledPolicy:
    """A compiled policy with its bindings. `scope` compiles what stands in `spec` besides, variables known."""

    def __init__(self, raw: Json, bindings: list[Json], minor: int) -> None:
        self.spec: Json = raw.get("spec") or {}
        self.name = name_of(raw)
        self.bindings = bindings
        self.rules: Json | None = self.spec.get("matchConstraints")
        self.param_kind: Json | None = self.spec.get("paramKind")
        self.fails = self.spec.get("failurePolicy", "Fail") != "Ignore"
        self.scope = scope = Scope(minor, params=self.param_kind is not None)
        self.variables = {
            str(item.get("name")): scope.variable(str(item.get("name")), str(item.get("expression")))
            for item in self.spec.get("variables") or ()
        }
        self.conditions = [
            scope.compile(str(c.get("expression")), ("bool",)) for c in self.spec.get("matchConditions") or ()
        ]
