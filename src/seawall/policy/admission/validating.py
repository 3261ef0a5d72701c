"""ValidatingAdmissionPolicy (apiserver pkg/admission/plugin/policy/validating, read at v0.34.4)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.cel.library.authz import RESOURCE, Authorizer, Check, User
from seawall.policy.admission.expressions import (
    BUDGET,
    CONDITIONS_BUDGET,
    Evaluation,
    Expression,
    Lazy,
    OutOfBudgetError,
    Scope,
)  # fmt: skip
from seawall.policy.admission.matching import matches
from seawall.policy.admission.request import Denied
from seawall.policy.admission.selectors import SelectorError, selects
from seawall.policy.admission.world import ADMISSION_GROUP, World, name_of, namespace_of

if TYPE_CHECKING:
    from seawall.cel.library.authz import Authorize
    from seawall.policy.admission.request import Request

Json = dict[str, Any]
MAX_MESSAGE = 5120  # MaxEvaluatedMessageExpressionSizeBytes
MAX_ANNOTATION = 10 * 1024
_CODES = {"Invalid": 422, "Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}
_SPACES = " \t\n\v\f\r\x85\xa0"


class ConfigurationError(Exception):
    """A binding or policy that cannot be applied to this request."""


class Decision(NamedTuple):
    """One validation: admitted when `message` is None."""

    message: str | None
    reason: str = ""


class Policy:
    """A compiled policy with its bindings."""

    def __init__(self, raw: Json, bindings: list[Json], minor: int) -> None:
        spec: Json = raw.get("spec") or {}
        self.name = name_of(raw)
        self.bindings = bindings
        self.rules: Json | None = spec.get("matchConstraints")
        self.param_kind: Json | None = spec.get("paramKind")
        self.fails = spec.get("failurePolicy", "Fail") != "Ignore"
        scope = Scope(minor, params=self.param_kind is not None)
        self.variables = {
            str(item.get("name")): scope.variable(str(item.get("name")), str(item.get("expression")))
            for item in spec.get("variables") or ()
        }
        self.conditions = [
            scope.compile(str(c.get("expression")), ("bool",)) for c in spec.get("matchConditions") or ()
        ]
        self.validations: list[tuple[Expression, Json, Expression | None]] = [
            (
                scope.compile(str(item.get("expression")), ("bool",)),
                item,
                scope.compile(str(item["messageExpression"]), ("string",))
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
        bindings: dict[str, list[Json]] = {}
        for item in sorted(world.kind(ADMISSION_GROUP, "ValidatingAdmissionPolicyBinding"), key=name_of):
            bindings.setdefault(str((item.get("spec") or {}).get("policyName")), []).append(item)
        self.policies = [
            Policy(raw, bindings[name_of(raw)], minor)
            for raw in sorted(world.kind(ADMISSION_GROUP, "ValidatingAdmissionPolicy"), key=name_of)
            if name_of(raw) in bindings
        ]

    def admit(self, request: Request) -> None:
        """Judge a request; adds warnings and audit annotations to it. Raises Denied."""
        denied: list[tuple[Policy, Json | None, Decision]] = []
        values: Json | None = None
        for policy in self.policies:
            try:
                if not matches(self.world, request, policy.rules):
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
                    params = self.params(policy, spec.get("paramRef"), request.namespace)
                except (SelectorError, ConfigurationError) as error:
                    if policy.fails:
                        denied.append((policy, binding, Decision(f"failed to configure binding: {error}")))
                    continue
                if values is None:
                    values = self.values(request)
                for param in params:
                    self.one(request, policy, binding, values | {"params": param}, denied, published)
            for key, texts in published.items():
                request.annotate(f"{policy.name}/{key}", ", ".join(texts))
        if denied:
            raise _refusal(request, *denied[0])

    def one(
        self, request: Request, policy: Policy, binding: Json, values: Json,
        denied: list[tuple[Policy, Json | None, Decision]], published: dict[str, list[str]],
    ) -> None:  # fmt: skip
        """Run a policy with one param."""
        actions = (binding.get("spec") or {}).get("validationActions") or ()
        decisions, annotations = self.validate(policy, values)
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
        text = json.dumps([entry], separators=(",", ":"), ensure_ascii=False)
        for char in "<>&\u2028\u2029":  # Go's encoder escapes these
            text = text.replace(char, f"\\u{ord(char):04x}")
        request.annotate("validation.policy.admission.k8s.io/validation_failure", text)

    def validate(self, policy: Policy, values: Json) -> tuple[list[Decision], list[tuple[str, str, str]]]:
        """Return the decisions, and the audit annotations as (key, value, error)."""
        failed = (Decision) if policy.fails else (lambda _: Decision(None))
        if policy.conditions:
            met, error = conditions_met(policy.conditions, policy.variables, values)
            if error:
                return [failed(error)], []
            if not met:
                return [], []
        scope = values | {}
        scope["variables"] = Lazy(policy.variables, scope)
        run = Evaluation(scope, BUDGET)
        try:
            results = [run.run(expression) for expression, _, _ in policy.validations]
        except OutOfBudgetError as error:
            return [failed(str(error))], []
        decisions = []
        messages = Evaluation(
            {key: value for key, value in scope.items() if not key.startswith("authorizer")}, run.budget
        )
        for (expression, item, text), result in zip(policy.validations, results, strict=True):
            if result.error:
                decisions.append(failed(result.error))
            elif result.value is True:
                decisions.append(Decision(None))
            else:
                try:
                    message = _message(item, expression, text, messages)
                except OutOfBudgetError as error:
                    decisions.append(failed(f"failed messageExpression: {error}"))
                    continue
                decisions.append(Decision(message, str(item.get("reason") or "Invalid")))
        return decisions, self._annotations(policy, scope)

    def _annotations(self, policy: Policy, scope: Json) -> list[tuple[str, str, str]]:
        run = Evaluation(scope, BUDGET)
        found: list[tuple[str, str, str]] = []
        for key, expression in policy.annotations:
            try:
                result = run.run(expression)
            except OutOfBudgetError as error:
                return [(key, "", str(error))] if policy.fails else []
            if result.error:
                if policy.fails:
                    found.append((key, "", result.error))
            elif isinstance(result.value, str) and (text := result.value.strip(_SPACES)):
                found.append((key, text.encode()[:MAX_ANNOTATION].decode(errors="ignore"), ""))
        return found

    # ---- what expressions see ----

    def values(self, request: Request) -> Json:
        """Return the variables of a request."""
        return activation(self.world, request, self.authorize)

    def params(self, policy: Policy, reference: Json | None, namespace: str) -> list[Json | None]:
        """Return the params of a binding (generic.CollectParams). Raises ConfigurationError, SelectorError."""
        kind = policy.param_kind
        if kind is None or reference is None:
            return [None]
        group = str(kind.get("apiVersion") or "").rpartition("/")[0]
        name = str(kind.get("kind") or "")
        cluster = self.world.is_cluster_scoped(group, name)
        found = self.world.kind(group, name)
        if cluster and reference.get("namespace"):
            raise ConfigurationError(
                "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
            )
        if not cluster:
            where = reference.get("namespace") or namespace
            if not where:
                raise ConfigurationError(
                    "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
                )
            found = [obj for obj in found if namespace_of(obj) == where]
        if reference.get("name"):
            found = [obj for obj in found if name_of(obj) == reference["name"]]
        else:
            selector = reference.get("selector")
            found = [
                obj for obj in found if selects(selector or {}, (obj.get("metadata") or {}).get("labels"))
            ]
            found.sort(key=lambda obj: (namespace_of(obj), name_of(obj)))
        if not found and reference.get("parameterNotFoundAction") == "Deny":
            raise ConfigurationError("no params found for policy binding with `Deny` parameterNotFoundAction")
        return list(found)


def conditions_met(
    conditions: list[Expression], variables: dict[str, Expression], values: Json
) -> tuple[bool, str]:
    """Evaluate match conditions: any false wins over errors; several errors stand in brackets."""
    scope = values | {"namespaceObject": None}  # the matcher gives no namespace (specs/policy.md b5a.3)
    scope["variables"] = Lazy(variables, scope)
    run = Evaluation(scope, CONDITIONS_BUDGET)
    errors: list[str] = []
    try:
        for condition in conditions:
            result = run.run(condition)
            if result.error:
                errors.append(result.error)
            elif result.value is False:
                return False, ""
    except OutOfBudgetError as error:
        return False, str(error)
    if errors:
        unique = list(dict.fromkeys(errors))
        return False, unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"
    return True, ""


def activation(world: World, request: Request, authorize: Authorize) -> Json:
    """Return the variables that every expression sees."""
    raw = request.raw
    seen = {
        key: raw[key]
        for key in (
            "kind", "resource", "subResource", "requestKind", "requestResource", "requestSubResource", "name",
            "namespace", "operation", "userInfo", "dryRun", "options",
        )
        if raw.get(key) not in (None, "")
    }  # fmt: skip
    seen.setdefault("requestKind", request.kind)
    seen.setdefault("requestResource", request.resource)
    seen.setdefault("dryRun", False)
    is_namespace = request.kind.get("kind") == "Namespace" and not request.kind.get("group")
    found = None if is_namespace or not request.namespace else world.namespaces.get(request.namespace)
    user = User(
        str(request.user.get("username") or ""),
        tuple(request.user.get("groups") or ()),
        str(request.user.get("uid") or ""),
        request.user.get("extra"),
    )
    root = Authorizer(user, authorize)
    asked = {"group": request.group, "resource": request.plural}
    more = {"subresource": request.subresource, "namespace": request.namespace, "name": request.name}
    asked |= {key: value for key, value in more.items() if value}
    return {
        "object": request.object if request.operation != "DELETE" else None,
        "oldObject": request.old,
        "request": seen,
        "namespaceObject": _visible(found),
        "authorizer": root,
        "authorizer.requestResource": Check(root, RESOURCE, asked),
    }


_METADATA = (
    "name", "generateName", "namespace", "labels", "annotations", "uid", "creationTimestamp",
    "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "resourceVersion", "finalizers",
)  # fmt: skip


def _visible(namespace: Json | None) -> Json | None:
    if namespace is None:
        return None
    metadata = namespace.get("metadata") or {}
    shown = {key: metadata[key] for key in _METADATA if key in metadata}
    shown.setdefault("creationTimestamp", None)
    return {
        "metadata": shown,
        "spec": {key: value for key, value in (namespace.get("spec") or {}).items() if key == "finalizers"},
        "status": {
            key: value
            for key, value in (namespace.get("status") or {}).items()
            if key in {"conditions", "phase"}
        },
    }


def _message(item: Json, expression: Expression, text: Expression | None, run: Evaluation) -> str:
    if text is not None:
        result = run.run(text)
        if not result.error and isinstance(result.value, str):
            message = result.value.strip(_SPACES)
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
