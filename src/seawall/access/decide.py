"""The engines `access`, `audit-policy` and `azure-data-action` of `seawall decide` (protocol: Access)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.access.attributes import review_attributes, user_info
from seawall.access.chain import authorize
from seawall.access.requests import answer_request
from seawall.access.world import AccessWorld, build_world
from seawall.access.writes import check_write
from seawall.core.decision import Verdict
from seawall.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from seawall.core.engine import Engine, EngineOptions


class AccessEngine:
    """Answers SubjectAccessReviews, writes of RBAC objects, and HTTP requests over one world."""

    def __init__(self) -> None:
        self._world = build_world(())

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        """Replace the world; objects that could not be used are named under `problems`."""
        objects = world.get("objects")
        if not isinstance(objects, list):
            raise InputError("objects is not a list")
        gates = world.get("featureGates") or {}
        if not isinstance(gates, dict) or not all(isinstance(value, bool) for value in gates.values()):
            raise InputError("featureGates is not an object of booleans")
        self._world = build_world(objects, gates)
        answer: dict[str, Any] = {"objects": len(objects)}
        if self._world.problems:
            answer["problems"] = [
                {"kind": each.kind, "namespace": each.namespace, "name": each.name, "reason": each.reason}
                for each in self._world.problems
            ]
        return answer

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """Answer one line by what it holds.

        Raises:
            InputError: it is none of the protocol's forms.
        """
        if "spec" in line:
            return review(self._world, line)
        if "write" in line:
            user = user_info(line.get("user"), "user")
            written = check_write(self._world, line["write"], line.get("operation") or "create", user)
            verdict = Verdict.ALLOW if written.allowed else Verdict.DENY
            return {"verdict": verdict, "code": written.code, "message": written.message}
        if "request" in line:
            return answer_request(self._world, line["request"])
        raise InputError(
            "the line is no access question",
            hint='write {"spec": ...} (SubjectAccessReview), {"write": ...} or {"request": ...}',
        )


def review(world: AccessWorld, line: dict[str, Any]) -> dict[str, Any]:
    """Answer a SubjectAccessReview with its status and the trail of the chain."""
    asked = review_attributes(line["spec"])
    decision = authorize(world, asked)
    status: dict[str, Any] = {"allowed": decision.allowed}
    if decision.denied:
        status["denied"] = True
    if decision.reason:
        status["reason"] = decision.reason
    errors = [error for error in (decision.error, *asked.selector_errors) if error]
    if errors:
        status["evaluationError"] = "; ".join(errors)
    return {
        **{key: value for key, value in line.items() if key not in ("status", "trail")},
        "status": status,
        "trail": [step.as_json() for step in decision.trail],
    }


def engine(name: str, options: EngineOptions) -> Engine:
    """Return an engine of this chapter by its name.

    Raises:
        UsageError: it is none of this chapter's.
    """
    del options
    if name == "access":
        return AccessEngine()
    raise UsageError(f"the chapter access has no engine {name!r}")
