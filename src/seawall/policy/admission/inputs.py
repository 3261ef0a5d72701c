"""What the expressions of a policy see: variables of the request, params, match conditions.

apiserver `plugin/policy/generic` and `plugin/cel/activation.go`, read at v0.34.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.cel.library.authz import RESOURCE, Authorizer, Check, User
from seawall.policy.admission.equivalent import Matched, converted, own
from seawall.policy.admission.expressions import (
    CONDITIONS_BUDGET,
    EXPIRED,
    Evaluation,
    Expression,
    Lazy,
    OutOfBudgetError,
)
from seawall.policy.admission.selectors import selects
from seawall.policy.admission.world import World, name_of, namespace_of

if TYPE_CHECKING:
    from seawall.cel.library.authz import Authorize
    from seawall.policy.admission.request import Request

Json = dict[str, Any]


class ConfigurationError(Exception):
    """A binding or policy that cannot be applied to this request."""


def collect_params(
    world: World, kind: Json | None, reference: Json | None, namespace: str
) -> list[Json | None]:
    """Return the params of a binding (generic.CollectParams). Raises ConfigurationError, SelectorError."""
    if kind is None or reference is None:
        return [None]
    group = str(kind.get("apiVersion") or "").rpartition("/")[0]
    name = str(kind.get("kind") or "")
    cluster = world.is_cluster_scoped(group, name)
    found = world.kind(group, name)
    if cluster and reference.get("namespace"):
        raise ConfigurationError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
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
        found = [obj for obj in found if selects(selector or {}, (obj.get("metadata") or {}).get("labels"))]
        found.sort(key=lambda obj: (namespace_of(obj), name_of(obj)))
    if not found and reference.get("parameterNotFoundAction") == "Deny":
        raise ConfigurationError("no params found for policy binding with `Deny` parameterNotFoundAction")
    return list(found)


def conditions_met(
    conditions: list[Expression], variables: dict[str, Expression], values: Json
) -> tuple[bool, str]:
    """Evaluate match conditions, all of them: any false wins over errors; several errors stand in brackets."""
    scope = values | {"namespaceObject": None}  # the matcher gives no namespace (specs/policy.md b5a.3)
    scope["variables"] = Lazy(variables, scope)
    run = Evaluation(scope, CONDITIONS_BUDGET)
    try:
        results = [run.run(condition) for condition in conditions]
    except OutOfBudgetError as error:
        return False, str(error)
    if any(result.value is False for result in results):
        return False, ""
    errors = [result.error for result in results if result.error]
    if errors:
        unique = list(dict.fromkeys(errors))
        return False, unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"
    return True, ""


def activation(world: World, request: Request, authorize: Authorize, matched: Matched | None = None) -> Json:
    """Return the variables that every expression sees; objects in the version that the policy's rules matched.

    Raises:
        InputError: that version cannot be made here.
    """
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
    found_as = matched or own(request)
    if found_as != own(request):
        about = {"group": found_as.group, "version": found_as.version}
        seen["kind"] = about | {"kind": found_as.kind}
        seen["resource"] = about | {"resource": found_as.resource}
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
        "object": converted(world, own(request), found_as, request.object)
        if request.operation != "DELETE"
        else None,
        "oldObject": converted(world, own(request), found_as, request.old),
        "request": seen,
        "namespaceObject": _visible(found),
        "authorizer": root,
        "authorizer.requestResource": Check(root, RESOURCE, asked),
        EXPIRED: request.expired,
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
