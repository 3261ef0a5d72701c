"""Which audit level a request gets (apiserver pkg/audit/policy/checker.go, validation.go; specs b8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.names import is_subdomain
from seawall.access.rbac.matching import url_matches
from seawall.core.errors import InputError

if TYPE_CHECKING:
    from seawall.access.attributes import Attributes

LEVELS = ("None", "Metadata", "Request", "RequestResponse")
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")


class GroupResources(msgspec.Struct, frozen=True, rename="camel"):
    """Resources of one API group. The group is compared exactly: there is no `*` for groups."""

    group: str = ""
    resources: tuple[str, ...] | None = None
    resource_names: tuple[str, ...] | None = None


class PolicyRule(msgspec.Struct, frozen=True, rename="camel"):
    """One rule; the first that matches decides."""

    level: str = ""
    users: tuple[str, ...] | None = None
    user_groups: tuple[str, ...] | None = None
    verbs: tuple[str, ...] | None = None
    resources: tuple[GroupResources, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    non_resource_urls: tuple[str, ...] | None = msgspec.field(default=None, name="nonResourceURLs")
    omit_stages: tuple[str, ...] | None = None
    omit_managed_fields: bool | None = None


class AuditPolicy(msgspec.Struct, frozen=True, rename="camel"):
    """A Policy of audit.k8s.io."""

    rules: tuple[PolicyRule, ...] | None = None
    omit_stages: tuple[str, ...] | None = None
    omit_managed_fields: bool | None = None


class AuditDecision(msgspec.Struct, frozen=True, rename="camel"):
    """Level, the stages left out, whether managed fields are; `rule` is the deciding rule's place or None."""

    level: str
    omit_stages: tuple[str, ...]
    omit_managed_fields: bool
    rule: int | None = None


def read_policy(given: Any) -> AuditPolicy:
    """Read and validate a Policy.

    Raises:
        InputError: the API server would not start with it; the message names the field.
    """
    if not isinstance(given, dict):
        raise InputError("policy is not an object")
    kind, version = given.get("kind", "Policy"), given.get("apiVersion", "audit.k8s.io/v1")
    if kind != "Policy" or version != "audit.k8s.io/v1":
        raise InputError(f"policy is a {version} {kind}, not an audit.k8s.io/v1 Policy")
    try:
        policy = msgspec.convert(given, AuditPolicy)
    except msgspec.ValidationError as error:
        raise InputError(f"policy: {error}") from None
    errors = list(_stage_errors(policy.omit_stages, "omitStages"))
    for index, rule in enumerate(policy.rules or ()):
        errors += _rule_errors(rule, f"rules[{index}]")
    if errors:
        raise InputError(f"invalid audit policy: {'; '.join(errors)}")
    return policy


def read_policy_file(given: Any) -> AuditPolicy:
    """Read a Policy as the server reads its file: one without rules is none (pkg/audit/policy/reader.go).

    Raises:
        InputError: the API server would not start with it.
    """
    policy = read_policy(given)
    if not policy.rules:
        raise InputError("loaded illegal policy with 0 rules")
    return policy


def _stage_errors(stages: tuple[str, ...] | None, where: str) -> list[str]:
    return [
        f"{where}[{index}]: {stage!r}: allowed stages are {','.join(STAGES)}"
        for index, stage in enumerate(stages or ())
        if stage not in STAGES
    ]


def _rule_errors(rule: PolicyRule, where: str) -> list[str]:
    errors = []
    if not rule.level:
        errors.append(f"{where}.level: Required value")
    elif rule.level not in LEVELS:
        errors.append(f"{where}.level: {rule.level!r} is none of {', '.join(LEVELS)}")
    for index, url in enumerate(rule.non_resource_urls or ()):
        if url != "*" and not url.startswith("/"):
            errors.append(f"{where}.nonResourceURLs[{index}]: rules must begin with a '/' character")
        if "*" in url[:-1]:
            errors.append(f"{where}.nonResourceURLs[{index}]: wildcards '*' must be the final character")
    for each in rule.resources or ():
        if each.group and not is_subdomain(each.group):
            errors.append(f"{where}.resources.group: {each.group!r} is no API group")
        if each.resource_names and not each.resources:
            errors.append(
                f"{where}.resources.resourceNames: using resourceNames requires at least one resource"
            )
    if rule.non_resource_urls and (rule.resources or rule.namespaces):
        errors.append(
            f"{where}.nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs"
        )
    return errors + _stage_errors(rule.omit_stages, f"{where}.omitStages")


def audit_level(policy: AuditPolicy, asked: Attributes) -> AuditDecision:
    """Decide by the first rule that matches; none: level None. The user is the authenticated one (specs b10)."""
    stages = policy.omit_stages or ()
    managed = bool(policy.omit_managed_fields)
    for index, rule in enumerate(policy.rules or ()):
        if _matches(rule, asked):
            own = rule.omit_managed_fields
            union = tuple(dict.fromkeys((*stages, *(rule.omit_stages or ()))))
            return AuditDecision(rule.level, union, managed if own is None else own, index)
    return AuditDecision("None", tuple(dict.fromkeys(stages)), managed)


def _matches(rule: PolicyRule, asked: Attributes) -> bool:
    if rule.users and asked.user.name not in rule.users:
        return False
    if rule.user_groups and not any(group in rule.user_groups for group in asked.user.groups):
        return False
    if rule.verbs and asked.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return asked.is_resource and _matches_resource(rule, asked)
    if rule.non_resource_urls:
        return not asked.is_resource and any(url_matches(url, asked.path) for url in rule.non_resource_urls)
    return True


def _matches_resource(rule: PolicyRule, asked: Attributes) -> bool:
    if rule.namespaces and asked.namespace not in rule.namespaces:
        return False
    if not rule.resources:
        return True
    for each in rule.resources:
        if each.group != asked.group:
            continue
        if not each.resources:
            return True
        if each.resource_names and asked.name not in each.resource_names:
            continue
        if any(_names(pattern, asked) for pattern in each.resources):
            return True
    return False


def _names(pattern: str, asked: Attributes) -> bool:
    """Tell whether a pattern names the resource; unlike in RBAC, `pods/*` does, and `pods` itself with it."""
    if pattern in ("*", asked.combined):
        return True
    if asked.subresource and pattern == f"*/{asked.subresource}":
        return True
    return pattern.endswith("/*") and pattern[:-2] == asked.resource
