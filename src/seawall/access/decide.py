"""The engines `access`, `audit-policy` and `azure-data-action` of `seawall decide` (protocol: Access)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.attributes import review_attributes, text_of, user_info
from seawall.access.audit_policy import AuditPolicy, audit_level, read_policy
from seawall.access.azure.actions import PROVIDER, Operations, map_request, read_operations
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
        for index, item in enumerate(objects):
            if not isinstance(item, dict):
                raise InputError(f"objects[{index}] is not an object")
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


class AuditPolicyEngine:
    """Answers which audit level a request gets; a policy is compiled once, by its content."""

    def __init__(self) -> None:
        self._policies: dict[bytes, AuditPolicy] = {}

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        """Take no world: the policy comes with each line."""
        return {"objects": len(world.get("objects") or ())}

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """Answer `{"policy", "request"}`.

        Raises:
            InputError: the policy or the request is invalid.
        """
        key = msgspec.json.encode(line.get("policy"))
        policy = self._policies.get(key)
        if policy is None:
            if len(self._policies) >= KEPT:
                self._policies.clear()
            policy = self._policies[key] = read_policy(line.get("policy"))
        asked = review_attributes(line.get("request"), anybody=True)
        decision = audit_level(policy, asked)
        return {
            "level": decision.level,
            "omitStages": list(decision.omit_stages),
            "omitManagedFields": decision.omit_managed_fields,
            "rule": decision.rule,
        }


KEPT = 64
"""Policies kept compiled."""


class DataActionEngine:
    """Answers which Azure data actions the AKS authorizer checks for a request."""

    def __init__(self) -> None:
        self._operations = Operations()

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        """Take no Kubernetes objects: the operations come as `{"operations": [...]}`."""
        return {"objects": len(world.get("objects") or ())}

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """Answer `{"operations": [...]}` (replaces the map) or `{"spec", "provider", ...}`.

        Raises:
            InputError: it is none of these forms.
        """
        if "operations" in line and "spec" not in line:
            self._operations = read_operations(line["operations"])
            return {"operations": len(line["operations"])}
        flags = {}
        for name, default in (("customResources", False), ("subresources", False), ("discovery", True)):
            value = line.get(name)
            flags[name] = default if value is None else value
            if not isinstance(flags[name], bool):
                raise InputError(f"{name} is not true or false")
        form = line.get("namespaceFormat")
        if form not in (None, "", "arc"):
            raise InputError(f"namespaceFormat is {form!r}", hint='it is "arc" or absent')
        found = map_request(
            review_attributes(line.get("spec"), anybody=True),
            self._operations,
            text_of(line, "provider", "line") or PROVIDER,
            custom_resources=flags["customResources"],
            subresources=flags["subresources"],
            arc_namespaces=form == "arc",
            discovery=flags["discovery"],
        )
        answer: dict[str, Any] = {"decision": found.decision}
        if found.decision == "check":
            answer["actions"] = [{"id": each.id, "attributes": each.attributes} for each in found.actions]
        if found.message:
            answer["message"] = found.message
        return {**answer, "scope": found.scope}


def engine(name: str, options: EngineOptions) -> Engine:
    """Return an engine of this chapter by its name.

    Raises:
        UsageError: it is none of this chapter's.
    """
    del options
    if name == "access":
        return AccessEngine()
    if name == "audit-policy":
        return AuditPolicyEngine()
    if name == "azure-data-action":
        return DataActionEngine()
    raise UsageError(f"the chapter access has no engine {name!r}")
