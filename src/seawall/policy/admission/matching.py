"""Whether a policy or a binding matches a request (apiserver pkg/admission/plugin/policy/matching)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.admission.selectors import selects
from seawall.policy.admission.world import ADMISSION_GROUP

if TYPE_CHECKING:
    from seawall.policy.admission.request import Request
    from seawall.policy.admission.world import World

Json = dict[str, Any]
_EXEMPT = frozenset(
    {
        "validatingwebhookconfigurations", "mutatingwebhookconfigurations", "validatingadmissionpolicies",
        "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
    }
)  # fmt: skip


def matches(world: World, request: Request, rules: Json | None) -> bool:
    """Whether matchConstraints or matchResources match; null is everything.

    Raises:
        SelectorError: a selector cannot be read; only where the rules match.
    """
    if request.group == ADMISSION_GROUP and request.plural in _EXEMPT:
        return False
    if rules is None:
        return True
    if any(_rule(request, rule) for rule in rules.get("excludeResourceRules") or ()):
        return False
    wanted = rules.get("resourceRules") or ()
    if wanted and not any(_rule(request, rule, rules) for rule in wanted):
        return False
    return _namespace(world, request, rules.get("namespaceSelector")) and _object(
        request, rules.get("objectSelector")
    )


def _rule(request: Request, rule: Json, rules: Json | None = None) -> bool:
    operations = rule.get("operations") or ()
    if "*" not in operations and request.operation not in operations:
        return False
    resources = rule.get("resources") or ()
    if not any(_resource(request, pattern) for pattern in resources):
        return False
    scope = rule.get("scope") or "*"
    if scope != "*":
        namespaced = bool(request.namespace) and request.plural != "namespaces"
        if namespaced != (scope == "Namespaced"):
            return False
    names = rule.get("resourceNames") or ()
    if names and request.name not in names:
        return False
    groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
    if "*" not in groups and request.group not in groups:
        return False
    exact = rules is not None and rules.get("matchPolicy") == "Exact"
    # Equivalent: a rule for another version of the same resource matches too.
    return "*" in versions or request.resource.get("version") in versions or not exact


def _resource(request: Request, pattern: str) -> bool:
    resource, slash, subresource = str(pattern).partition("/")
    if resource not in {"*", request.plural}:
        return False
    if not slash:
        return not request.subresource
    return subresource in ("*", request.subresource)


def _namespace(world: World, request: Request, selector: Json | None) -> bool:
    if not selector:
        return True
    labels: Json
    if request.plural == "namespaces" and request.group == "":
        labels = _labels(request.object) if request.operation != "DELETE" else _stored(world, request.name)
        return selects(selector, labels)
    if not request.namespace:
        return True
    return selects(selector, _stored(world, request.namespace))


def _stored(world: World, name: str) -> Json:
    return _labels(world.namespaces.get(name))


def _object(request: Request, selector: Json | None) -> bool:
    if not selector:
        return True
    return any(obj is not None and selects(selector, _labels(obj)) for obj in (request.object, request.old))


def _labels(obj: Json | None) -> Json:
    return ((obj or {}).get("metadata") or {}).get("labels") or {}
