"""AuthorizationConfiguration: the chain of authorizers, webhooks with match conditions among them (specs b5, lab b6).

Sources: kubernetes 1.34 pkg/kubeapiserver/authorizer, apiserver pkg/apis/apiserver/validation, pkg/authorization/union,
plugin/pkg/authorizer/webhook. A webhook's answer is given by whoever asks: this engine calls nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.attributes import MASTERS, review_spec
from seawall.access.chain import PRIVILEGED, AccessDecision, Step, join_reasons, node_step, rbac_step
from seawall.access.fields import (
    SECOND,
    decode,
    duplicate,
    go_duration,
    invalid,
    required,
    show_duration,
    shown,
    too_many,
    unsupported,
)
from seawall.access.names import subdomain_errors
from seawall.access.structured.expressions import Expression, ExpressionError, compile_over
from seawall.access.text import aggregate, quote
from seawall.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.access.attributes import Attributes
    from seawall.access.world import AccessWorld

VERSIONS = tuple(f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
TYPES = ("ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook")
CONDITIONS = 64
"""Match conditions at most."""
TIMEOUT = 30 * SECOND
"""Time at most for a webhook, in nanoseconds."""


class ConnectionInfo(msgspec.Struct, frozen=True, rename="camel"):
    """How the webhook is reached: InClusterConfig, or KubeConfigFile with its absolute path."""

    type: str = ""
    kube_config_file: str | None = None


class MatchCondition(msgspec.Struct, frozen=True):
    """One expression over `request`."""

    expression: str = ""


class WebhookConfiguration(msgspec.Struct, frozen=True, rename="camel"):
    """One webhook; durations as Go writes them, the times to live with the server's defaults."""

    authorized_ttl: str = msgspec.field(default="5m", name="authorizedTTL")
    unauthorized_ttl: str = msgspec.field(default="30s", name="unauthorizedTTL")
    cache_authorized_requests: bool = True
    cache_unauthorized_requests: bool = True
    timeout: str = "0s"
    subject_access_review_version: str = ""
    match_condition_subject_access_review_version: str = ""
    failure_policy: str = ""
    connection_info: ConnectionInfo = ConnectionInfo()
    match_conditions: tuple[MatchCondition, ...] = ()


class Authorizer(msgspec.Struct, frozen=True):
    """One authorizer of the chain."""

    type: str = ""
    name: str = ""
    webhook: WebhookConfiguration | None = None


class _Document(msgspec.Struct, frozen=True):
    authorizers: tuple[Authorizer, ...] = ()


class AuthorizationConfiguration:
    """A validated chain; `conditions` are the compiled match conditions by authorizer."""

    def __init__(
        self, authorizers: tuple[Authorizer, ...], conditions: dict[str, tuple[Expression, ...]]
    ) -> None:
        self.authorizers = authorizers
        self.conditions = conditions


class WebhookAnswer(msgspec.Struct, frozen=True):
    """What a webhook said; `error` where it could not be asked or answered nonsense."""

    allowed: bool = False
    denied: bool = False
    reason: str = ""
    error: str = ""


def read_authorization(given: Any) -> AuthorizationConfiguration:
    """Read and validate an AuthorizationConfiguration. Whether a kubeconfig file is there is not looked at.

    Raises:
        InputError: the API server would not start with it; the message is its own.
    """
    document = decode(given, _Document, "AuthorizationConfiguration", VERSIONS)
    conditions: dict[str, tuple[Expression, ...]] = {}
    errors = _errors(document, conditions)
    if not errors:
        errors = [
            f"expected name {each.type.lower()} for authorizer {each.type} instead of {each.name}"
            for each in document.authorizers
            if each.type != "Webhook" and each.name != each.type.lower()
        ]
    if errors:
        raise InputError(aggregate(errors))
    return AuthorizationConfiguration(document.authorizers, conditions)


def _errors(document: _Document, conditions: dict[str, tuple[Expression, ...]]) -> list[str]:
    errors: list[str] = []
    if not document.authorizers:
        errors.append(required("authorizers", "at least one authorization mode must be defined"))
    types: set[str] = set()
    names: set[str] = set()
    for index, each in enumerate(document.authorizers):
        where = f"authorizers[{index}]"
        if not each.type:
            errors.append(required(f"{where}.type"))
            continue
        if each.type not in TYPES:
            errors.append(unsupported(f"{where}.type", each.type, TYPES))
            continue
        if each.type in types and each.type != "Webhook":
            errors.append(duplicate(f"{where}.type", each.type))
            continue
        types.add(each.type)
        errors += _name_errors(each.name, names, f"{where}.name")
        names.add(each.name)
        if each.type == "Webhook":
            if each.webhook is None:
                errors.append(required(f"{where}.webhook", "required when type=Webhook"))
                continue
            # The server leaves `webhook` out of these paths.
            errors += _webhook_errors(each.webhook, where)
            compiled, wrong = _compile(each.webhook.match_conditions, f"{where}.matchConditions")
            conditions[each.name] = compiled
            errors += wrong
        elif each.webhook is not None:
            errors.append(invalid(f"{where}.webhook", "non-null", "may only be specified when type=Webhook"))
    return errors


def _name_errors(name: str, seen: set[str], where: str) -> list[str]:
    if not name:
        return [required(where)]
    if name in seen:
        return [duplicate(where, name)]
    wrong = subdomain_errors(name)
    return [invalid(where, name, f"authorizer name is invalid: {', '.join(wrong)}")] if wrong else []


def _duration_errors(text: str, where: str, least: str, most: int | None = None) -> list[str]:
    value = go_duration(text)
    if value is None:
        return [f"{where}: time: invalid duration {quote(text)}"]
    if not value:
        return [required(where)]
    if value < 0 or (most is not None and value > most):
        return [invalid(where, show_duration(value), least)]
    return []


def _webhook_errors(webhook: WebhookConfiguration, where: str) -> list[str]:
    errors = _duration_errors(webhook.timeout, f"{where}.timeout", "must be > 0s and <= 30s", TIMEOUT)
    for key, text, default in (
        ("authorizedTTL", webhook.authorized_ttl, "5m"),
        ("unauthorizedTTL", webhook.unauthorized_ttl, "30s"),
    ):
        # Zero is the same as absent: the default takes its place.
        errors += _duration_errors(
            text if go_duration(text) != 0 else default, f"{where}.{key}", "must be > 0s"
        )
    version = webhook.subject_access_review_version
    if not version:
        errors.append(required(f"{where}.subjectAccessReviewVersion"))
    elif version not in ("v1", "v1beta1"):
        errors.append(unsupported(f"{where}.subjectAccessReviewVersion", version, ("v1", "v1beta1")))
    version = webhook.match_condition_subject_access_review_version
    place = f"{where}.matchConditionSubjectAccessReviewVersion"
    if not version and webhook.match_conditions:
        errors.append(required(place, "required if match conditions are specified"))
    elif version not in ("", "v1"):
        errors.append(unsupported(place, version, ("v1",)))
    if not webhook.failure_policy:
        errors.append(required(f"{where}.failurePolicy"))
    elif webhook.failure_policy not in ("NoOpinion", "Deny"):
        errors.append(unsupported(f"{where}.failurePolicy", webhook.failure_policy, ("NoOpinion", "Deny")))
    return errors + _connection_errors(webhook.connection_info, f"{where}.connectionInfo")


def _connection_errors(connection: ConnectionInfo, where: str) -> list[str]:
    file = f"{where}.kubeConfigFile"
    if not connection.type:
        return [required(f"{where}.type")]
    if connection.type == "InClusterConfig":
        if connection.kube_config_file is None:
            return []
        return [invalid(file, connection.kube_config_file, "can only be set when type=KubeConfigFile")]
    if connection.type == "KubeConfigFile":
        if not connection.kube_config_file:
            return [required(file)]
        if not connection.kube_config_file.startswith("/"):
            return [invalid(file, connection.kube_config_file, "must be an absolute path")]
        return []
    value = {"Type": connection.type, "KubeConfigFile": connection.kube_config_file}
    valid = ", ".join(map(quote, ("InClusterConfig", "KubeConfigFile")))
    return [f"{where}.type: Unsupported value: {shown(value)}: supported values: {valid}"]


def _compile(conditions: tuple[MatchCondition, ...], where: str) -> tuple[tuple[Expression, ...], list[str]]:
    if len(conditions) > CONDITIONS:
        return (), [too_many(where, len(conditions), CONDITIONS)]
    errors: list[str] = []
    compiled: list[Expression] = []
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        place = f"{where}[{index}].expression"
        if not condition.expression.strip():
            errors.append(required(place))
        elif condition.expression in seen:
            errors.append(duplicate(place, condition.expression))
        else:
            seen.add(condition.expression)
            found = compile_over("request", condition.expression, boolean=True, shows_type=True)
            if isinstance(found, str):
                errors.append(invalid(place, condition.expression, found))
            else:
                compiled.append(found)
    return tuple(compiled), errors


# ---- deciding ----


def authorize_structured(
    configuration: AuthorizationConfiguration,
    world: AccessWorld,
    asked: Attributes,
    ask: Callable[[str, dict[str, Any]], WebhookAnswer | None],
) -> AccessDecision:
    """Decide a request by a configured chain.

    `ask` gives a webhook's answer by its name and the review's spec; None says that it is not known, which makes
    the whole answer unknown unless an earlier authorizer decided. system:masters comes before every chain.

    Raises:
        InputError: the chain has ABAC, whose policy file is not read here.
    """
    if MASTERS in asked.user.groups:
        return PRIVILEGED
    steps: list[Step] = []
    errors: list[str] = []
    for each in configuration.authorizers:
        step, error = _step(configuration, each, world, asked, ask)
        if step is None:
            continue
        steps.append(step)
        if error:
            errors.append(error)
        if step.decision == "unknown":
            return AccessDecision(False, reason=join_reasons(steps), error=step.reason, trail=tuple(steps))
        if step.decision != "no-opinion":
            return AccessDecision(
                step.decision == "allow",
                denied=step.decision == "deny",
                reason=step.reason,
                error=error,
                trail=tuple(steps),
            )
    return AccessDecision(False, reason=join_reasons(steps), error=aggregate(errors), trail=tuple(steps))


def _step(
    configuration: AuthorizationConfiguration,
    each: Authorizer,
    world: AccessWorld,
    asked: Attributes,
    ask: Callable[[str, dict[str, Any]], WebhookAnswer | None],
) -> tuple[Step | None, str]:
    match each.type:
        case "Node":
            return node_step(world, asked), ""
        case "RBAC":
            return rbac_step(world, asked), ""
        case "AlwaysAllow":
            return Step("AlwaysAllow", "allow"), ""
        case "AlwaysDeny":
            # It has no opinion, whatever its name says (authorizerfactory: alwaysDenyAuthorizer).
            return Step("AlwaysDeny", "no-opinion", "Everything is forbidden."), ""
        case "Webhook" if each.webhook is not None:
            spec = review_spec(asked)
            return _webhook(each.name, each.webhook, configuration.conditions[each.name], spec, ask)
    raise InputError(f"authorizer {each.name}: policies of {each.type} are not read here")


def _webhook(
    name: str,
    webhook: WebhookConfiguration,
    conditions: tuple[Expression, ...],
    spec: dict[str, Any],
    ask: Callable[[str, dict[str, Any]], WebhookAnswer | None],
) -> tuple[Step, str]:
    on_error = "deny" if webhook.failure_policy == "Deny" else "no-opinion"
    try:
        if not _matches(conditions, spec):
            return Step(name, "no-opinion"), ""
    except ExpressionError as error:
        return Step(name, on_error), str(error)
    answer = ask(name, spec)
    if answer is None:
        return Step(name, "unknown", f"what the webhook {name} says is not known here"), ""
    if answer.error:
        return Step(name, on_error), answer.error
    if answer.denied:
        both = "webhook subject access review returned both allow and deny response"
        return Step(name, "deny", answer.reason), both if answer.allowed else ""
    return Step(name, "allow" if answer.allowed else "no-opinion", answer.reason), ""


def _matches(conditions: tuple[Expression, ...], spec: dict[str, Any]) -> bool:
    """Tell whether all conditions hold; one that is false outweighs others that fail (matcher.go).

    Raises:
        ExpressionError: some failed and none was false.
    """
    value = condition_input(spec)
    errors = []
    for condition in conditions:
        try:
            found = condition.evaluate(value)
        except ExpressionError as error:
            errors.append(f"cel evaluation error: {error}")
            continue
        if found is False:
            return False
    if errors:
        raise ExpressionError(aggregate(errors))
    return True


def condition_input(spec: dict[str, Any]) -> dict[str, Any]:
    """Return `request` as conditions see it: every text is there, empty where the review has none."""
    made: dict[str, Any] = {
        "user": spec.get("user", ""),
        "groups": spec.get("groups", []),
        "uid": spec.get("uid", ""),
        "extra": spec.get("extra", {}),
    }
    resource = spec.get("resourceAttributes")
    if resource is not None:
        keys = ("namespace", "verb", "group", "version", "resource", "subresource", "name")
        made["resourceAttributes"] = {key: resource.get(key, "") for key in keys}
        for key in ("fieldSelector", "labelSelector"):
            selector = resource.get(key)
            if selector:
                requirements = [
                    {"key": each["key"], "operator": each["operator"], "values": each.get("values", [])}
                    for each in selector["requirements"]
                ]
                made["resourceAttributes"][key] = {"requirements": requirements}
    other = spec.get("nonResourceAttributes")
    if other is not None:
        made["nonResourceAttributes"] = {"verb": other.get("verb", ""), "path": other.get("path", "")}
    return made
