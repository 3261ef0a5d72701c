"""The engines `access`, `audit-policy` and `azure-data-action` of `seawall decide` (protocol: Access)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.attributes import review_attributes, text_of, user_info
from seawall.access.audit_policy import AuditPolicy, audit_level, read_policy, read_policy_file
from seawall.access.azure.actions import PROVIDER, Operations, map_request, read_operations
from seawall.access.chain import authorize
from seawall.access.requests import answer_request
from seawall.access.world import AccessWorld, build_world
from seawall.access.writes import check_write
from seawall.core.decision import Verdict
from seawall.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.access.identities import Identities
    from seawall.access.structured import AuthorizationConfiguration, WebhookAnswer
    from seawall.core.engine import Engine, EngineOptions


class AccessEngine:
    """Answers SubjectAccessReviews, writes of RBAC objects, and HTTP requests over one world."""

    def __init__(self) -> None:
        self._world = build_world(())
        self._chain: AuthorizationConfiguration | None = None
        self._given: dict[str, Any] = {}
        self._identity: Identities | None = None

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        """Replace the world; objects that could not be used are named under `problems`.

        `authorization` is an AuthorizationConfiguration, for another chain than the default; `authentication`, `keys`
        and the like say who tokens are believed of (`identities.py`).
        """
        objects = world.get("objects")
        if not isinstance(objects, list):
            raise InputError("objects is not a list")
        for index, item in enumerate(objects):
            if not isinstance(item, dict):
                raise InputError(f"objects[{index}] is not an object")
        gates = world.get("featureGates") or {}
        if not isinstance(gates, dict) or not all(isinstance(value, bool) for value in gates.values()):
            raise InputError("featureGates is not an object of booleans")
        chain = world.get("authorization")
        self._chain = None if chain is None else _authorization(chain)
        self._world = build_world(objects, gates)
        self._given, self._identity = world, None
        if world.keys() - {"objects", "featureGates", "authorization"}:
            self._identities()
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
            return review(self._world, line, self._chain)
        if "write" in line:
            user = user_info(line.get("user"), "user")
            written = check_write(self._world, line["write"], line.get("operation") or "create", user)
            verdict = Verdict.ALLOW if written.allowed else Verdict.DENY
            return {"verdict": verdict, "code": written.code, "message": written.message}
        if "request" in line:
            return answer_request(self._world, line["request"])
        if "token" in line or "certificate" in line:
            return self._identities().answer(line)
        if "configuration" in line:
            return validated(line["configuration"])
        if "objects" in line:
            return self.load(line)  # a world with more than the protocol's two fields
        raise InputError(
            "the line is no access question",
            hint='write {"spec": ...} (SubjectAccessReview), {"write": ...}, {"request": ...}, {"token": ...}, '
            '{"certificate": ...} or {"configuration": ...}',
        )

    def _identities(self) -> Identities:
        """Return who is believed in this world. CEL comes with it, so it is made when something asks for it."""
        if self._identity is None:
            from seawall.access.identities import Identities  # noqa: PLC0415 - import is at most 60 ms

            self._identity = Identities.of(self._given)
        return self._identity


def _authorization(given: Any) -> AuthorizationConfiguration:
    from seawall.access.structured import read_authorization  # noqa: PLC0415 - as above

    return read_authorization(given)


def review(
    world: AccessWorld, line: dict[str, Any], chain: AuthorizationConfiguration | None = None
) -> dict[str, Any]:
    """Answer a SubjectAccessReview with its status and the trail of the chain.

    Of a configured chain, `webhooks` says what each webhook answers: `{"allowed", "denied", "reason"}` or `{"error"}`.
    """
    asked = review_attributes(line["spec"])
    if chain is None:
        decision = authorize(world, asked)
    else:
        from seawall.access.structured import authorize_structured  # noqa: PLC0415 - as above

        answers = webhook_answers(line.get("webhooks"))
        decision = authorize_structured(chain, world, asked, lambda name, _: answers.get(name))
    status: dict[str, Any] = {"allowed": decision.allowed}
    if decision.denied:
        status["denied"] = True
    if decision.reason:
        status["reason"] = decision.reason
    errors = [error for error in (decision.error, *asked.selector_errors) if error]
    if errors:
        status["evaluationError"] = "; ".join(errors)
    return {
        **{key: value for key, value in line.items() if key not in ("status", "trail", "webhooks")},
        "status": status,
        "trail": [step.as_json() for step in decision.trail],
    }


def webhook_answers(given: Any) -> dict[str, WebhookAnswer]:
    """Read what webhooks answer, by name. Raises InputError."""
    from seawall.access.structured import WebhookAnswer  # noqa: PLC0415 - as above

    try:
        return msgspec.convert(given or {}, dict[str, WebhookAnswer])
    except msgspec.ValidationError as error:
        raise InputError(f"webhooks: {error}") from None


def validated(document: Any) -> dict[str, Any]:
    """Say whether the API server would start with a configuration, by its kind."""
    kind = document.get("kind") if isinstance(document, dict) else None
    if kind not in KINDS:
        raise InputError("configuration is of no kind that is known here", hint=f"kinds: {', '.join(KINDS)}")
    try:
        _reader(str(kind))(document)
    except InputError as error:
        return {"valid": False, "message": error.message}
    return {"valid": True}


KINDS = ("AuthenticationConfiguration", "AuthorizationConfiguration", "Policy")
"""The API server's own files that can be validated."""


def _reader(kind: str) -> Callable[[Any], Any]:
    if kind == "Policy":
        return read_policy_file
    from seawall.access.structured import read_authentication  # noqa: PLC0415 - as above

    return read_authentication if kind == "AuthenticationConfiguration" else _authorization


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
