"""Whether a policy or a binding matches a request (apiserver pkg/admission/plugin/policy/matching)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.admission.equivalent import Matched, equivalents, own
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
# Reviews that nothing may come between (pkg/kubeapiserver/admission/exclusion).
_REVIEWS = frozenset(
    {
        ("authentication.k8s.io", "selfsubjectreviews"), ("authentication.k8s.io", "tokenreviews"),
        ("authorization.k8s.io", "localsubjectaccessreviews"), ("authorization.k8s.io", "selfsubjectaccessreviews"),
        ("authorization.k8s.io", "selfsubjectrulesreviews"), ("authorization.k8s.io", "subjectaccessreviews"),
    }
)  # fmt: skip


def matches(world: World, request: Request, rules: Json | None) -> Matched | None:
    """Return what matchConstraints or matchResources match of a request, None where they do not; null is everything.

    Raises:
        SelectorError: a selector cannot be read; only where the rules match.
    """
    if request.group == ADMISSION_GROUP and request.plural in _EXEMPT:
        return None
    if (request.group, request.plural) in _REVIEWS:
        return None
    if rules is None:
        return own(request)
    exact = rules.get("matchPolicy") == "Exact"
    if _any_rule(world, request, rules.get("excludeResourceRules") or (), exact=exact):
        return None
    wanted = rules.get("resourceRules") or ()
    found = _any_rule(world, request, wanted, exact=exact) if wanted else own(request)
    if found is None:
        return None
    if _namespace(world, request, rules.get("namespaceSelector")) and _object(
        request, rules.get("objectSelector")
    ):
        return found
    return None


def _any_rule(world: World, request: Request, rules: Any, *, exact: bool) -> Matched | None:
    """Return what the first rule matches: first the resource itself, then its equivalents."""
    mine = own(request)
    if any(_rule(request, rule, mine) for rule in rules):
        return mine
    if exact or not rules:
        return None
    others = equivalents(world, request)
    for rule in rules:
        for other in others:
            if _rule(request, rule, other):
                return other
    return None


def _rule(request: Request, rule: Json, target: Matched) -> bool:
    operations = rule.get("operations") or ()
    if "*" not in operations and request.operation not in operations:
        return False
    resources = rule.get("resources") or ()
    if not any(_resource(request, target, pattern) for pattern in resources):
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
    if "*" not in groups and target.group not in groups:
        return False
    return "*" in versions or target.version in versions


def _resource(request: Request, target: Matched, pattern: str) -> bool:
    resource, slash, subresource = str(pattern).partition("/")
    if resource not in {"*", target.resource}:
        return False
    if not slash:
        return not request.subresource
    return subresource in ("*", request.subresource)


def _namespace(world: World, request: Request, selector: Json | None) -> bool:
    if not selector:
        return True
    labels: Json
    if request.plural == "namespaces" and request.group == "":
        itself = request.operation in {"CREATE", "UPDATE"} and not request.subresource
        labels = _labels(request.object) if itself else _stored(world, request.name)
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
