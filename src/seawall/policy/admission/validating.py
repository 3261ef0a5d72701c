"""ValidatingAdmissionPolicy (apiserver pkg/admission/plugin/policy/validating, read at v0.34.4)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.policy.admission.compiled import CompiledPolicy
from seawall.policy.admission.expressions import (
    BUDGET,
    Evaluation,
    Expression,
    Lazy,
    Outcome,
    OutOfBudgetError,
)  # fmt: skip
from seawall.policy.admission.inputs import ConfigurationError, activation, collect_params, conditions_met
from seawall.policy.admission.matching import matches
from seawall.policy.admission.request import Denied
from seawall.policy.admission.selectors import SelectorError
from seawall.policy.admission.world import World, bound_policies, name_of

if TYPE_CHECKING:
    from seawall.cel.library.authz import Authorize
    from seawall.policy.admission.equivalent import Matched
    from seawall.policy.admission.request import Request

Json = dict[str, Any]
MAX_MESSAGE = 5120  # MaxEvaluatedMessageExpressionSizeBytes
MAX_ANNOTATION = 10 * 1024
MAX_FAILURES = 50  # maxValidationFailuresInAuditAnnotation
ALL_FAILURES_SINCE = 37
_CODES = {"Invalid": 422, "Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}
_SPACES = " \t\n\v\f\r\x85\xa0"


class Decision(NamedTuple):
    """One validation: admitted when `message` is None."""

    message: str | None
    reason: str = ""


class Policy(CompiledPolicy):
    """A compiled policy with its bindings and validations and audit annotations."""

    def __init__(self, raw: Json, bindings: list[Json], minor: int) -> None:
        super().__init__(raw, bindings, minor)
        spec, scope = self.spec, self.scope
        self.validations: list[tuple[Expression, Json, Expression | None]] = [
            (
                scope.compile(str(item.get("expression")), ("bool",)),
                item,
                scope.compile(str(item["messageExpression"]), ("string",), silent=True)
                if item.get("messageExpression")
                else None,
            )
            for item in spec.get("validations") or ()
        ]
        self.annotations = [
            (str(item.get("key")), scope.compile(str(item.get("valueExpression")), ("string", "null_type")))
            for item in spec.get("auditAnnotations") or ()
        ]


class ValidatingPolicies:
    """All validating policies of a world, compiled; answers requests."""

    def __init__(self, world: World, minor: int, authorize: Authorize) -> None:
        self.world = world
        self.minor = minor
        self.authorize = authorize
        self.policies = [
            Policy(raw, bindings, minor)
            for raw, bindings in bound_policies(world, "ValidatingAdmissionPolicy")
        ]

    def admit(self, request: Request) -> None:
        """Judge a request; adds warnings and audit annotations to it. Raises Denied."""
        denied: list[tuple[Policy, Json | None, Decision]] = []
        known: dict[Matched, Json] = {}
        for policy in self.policies:
            try:
                matched = matches(self.world, request, policy.rules)
                if matched is None:
                    continue
            except SelectorError as error:
                if policy.fails:
                    denied.append((policy, None, Decision(f"failed to configure policy: {error}")))
                continue
            published: dict[str, list[str]] = {}
            for binding in policy.bindings:
                spec: Json = binding.get("spec") or {}
                try:
                    if not matches(self.world, request, spec.get("matchResources")):
                        continue
                    params = collect_params(
                        self.world, policy.param_kind, spec.get("paramRef"), request.namespace
                    )
                except (SelectorError, ConfigurationError) as error:
                    if policy.fails:
                        denied.append((policy, binding, Decision(f"failed to configure binding: {error}")))
                    continue
                values = known.get(matched)
                if values is None:
                    values = known[matched] = activation(self.world, request, self.authorize, matched)
                for param in params:
                    self.one(request, policy, binding, values | {"params": param}, denied, published)
            for key, texts in published.items():
                request.annotate(f"{policy.name}/{key}", ", ".join(texts))
        self._publish(request)
        if denied:
            raise _refusal(request, *denied[0])

    def one(
        self, request: Request, policy: Policy, binding: Json, values: Json,
        denied: list[tuple[Policy, Json | None, Decision]], published: dict[str, list[str]],
    ) -> None:  # fmt: skip
        """Run a policy with one param."""
        actions = (binding.get("spec") or {}).get("validationActions") or ()
        decisions, annotations, cost = self.validate(policy, values)
        request.costs[policy.name] = max(cost, request.costs.get(policy.name, 0))
        for index, decision in enumerate(decisions):
            if decision.message is None:
                continue
            for action in actions:
                if action == "Deny":
                    denied.append((policy, binding, decision))
                elif action == "Warn":
                    request.warnings.append(
                        f"Validation failed for ValidatingAdmissionPolicy '{policy.name}' with binding "
                        f"'{name_of(binding)}': {decision.message}"
                    )
                elif action == "Audit":
                    self._audit(request, policy, binding, index, decision.message)
        for key, text, error in annotations:
            if error:
                denied.append((policy, binding, Decision(error)))
            elif text not in published.setdefault(key, []):
                published[key].append(text)

    def _audit(self, request: Request, policy: Policy, binding: Json, index: int, message: str) -> None:
        entry = {
            "message": message,
            "policy": policy.name,
            "binding": name_of(binding),
            "expressionIndex": index,
            "validationActions": binding["spec"]["validationActions"],
        }
        # Up to 1.36 the first failure alone is published: a key is not written twice (specs/policy.md b4).
        most = MAX_FAILURES if self.minor >= ALL_FAILURES_SINCE else 1
        if len(request.failures) < most:
            request.failures.append(entry)

    def _publish(self, request: Request) -> None:
        if not request.failures:
            return
        text = json.dumps(request.failures, separators=(",", ":"), ensure_ascii=False)
        for char in "<>&\u2028\u2029":  # Go's encoder escapes these
            text = text.replace(char, f"\\u{ord(char):04x}")
        request.annotate("validation.policy.admission.k8s.io/validation_failure", text)

    def validate(
        self, policy: Policy, values: Json
    ) -> tuple[list[Decision], list[tuple[str, str, str]], int]:
        """Return the decisions, the audit annotations as (key, value, error), and the cost."""
        failed = (Decision) if policy.fails else (lambda _: Decision(None))
        if policy.conditions:
            met, error = conditions_met(policy.conditions, policy.variables, values)
            if error:
                return [failed(error)], [], 0
            if not met:
                return [], [], 0
        run = _evaluation(policy, values, BUDGET)
        try:
            results = [run.run(expression) for expression, _, _ in policy.validations]
        except OutOfBudgetError as error:
            return [failed(str(error))], [], BUDGET
        # Messages and annotations know no authorizer, and compute the variables anew.
        values = {key: value for key, value in values.items() if not key.startswith("authorizer")}
        messages = _evaluation(policy, values, run.budget)
        spent = ""
        worded: list[Outcome | None] = [None] * len(results)
        try:
            # All of them, also of validations that hold.
            worded = [messages.run(text) if text is not None else None for _, _, text in policy.validations]
        except OutOfBudgetError as error:
            spent = str(error)
        decisions = []
        for (expression, item, _), result, text in zip(policy.validations, results, worded, strict=True):
            if result.error:
                decisions.append(failed(result.error))
            elif spent:
                decisions.append(failed(f"failed messageExpression: {spent}"))
            elif result.value is True:
                decisions.append(Decision(None))
            else:
                decisions.append(
                    Decision(_message(item, expression, text), str(item.get("reason") or "Invalid"))
                )
        try:
            annotations = self._annotations(policy, values)
        except OutOfBudgetError as error:
            return [failed(str(error))], [], BUDGET
        return decisions, annotations, BUDGET - messages.budget

    def _annotations(self, policy: Policy, values: Json) -> list[tuple[str, str, str]]:
        """Return (key, value, error) of what is published or failed. Raises OutOfBudgetError."""
        run = _evaluation(policy, values, BUDGET)
        found: list[tuple[str, str, str]] = []
        for (key, _), result in zip(
            policy.annotations, [run.run(each) for _, each in policy.annotations], strict=True
        ):
            if result.error:
                if policy.fails:
                    found.append((key, "", result.error))
            elif isinstance(result.value, str) and (text := result.value.strip(_SPACES)):
                found.append((key, _cut(text), ""))
        return found


def _evaluation(policy: Policy, values: Json, budget: int) -> Evaluation:
    scope = values | {}
    scope["variables"] = Lazy(policy.variables, scope)
    return Evaluation(scope, budget)


def _cut(text: str) -> str:
    """Cut a value to as many bytes as an annotation may have; each byte of a half character shows as U+FFFD."""
    raw = text.encode()
    if len(raw) <= MAX_ANNOTATION:
        return text
    whole = raw[:MAX_ANNOTATION].decode(errors="ignore")
    return whole + "\ufffd" * (MAX_ANNOTATION - len(whole.encode()))


def _message(item: Json, expression: Expression, text: Outcome | None) -> str:
    if text is not None and not text.error and isinstance(text.value, str):
        message = text.value.strip(_SPACES)
        if message and len(message.encode()) <= MAX_MESSAGE and "\n" not in message:
            return message
    return (
        str(item.get("message") or "").strip(_SPACES)
        or f"failed expression: {expression.source.strip(_SPACES)}"
    )


def _refusal(request: Request, policy: Policy, binding: Json | None, decision: Decision) -> Denied:
    bound = f" with binding '{name_of(binding)}'" if binding is not None else ""
    text = f"ValidatingAdmissionPolicy '{policy.name}'{bound} denied request: {decision.message}"
    reason = decision.reason or "Invalid"
    return Denied(_CODES.get(reason, 422), reason, request.forbidden(text), [{"message": text}])
