"""Other versions of the same resource: what `matchPolicy: Equivalent` matches, and the object in that version.

apiserver `pkg/admission/plugin/policy/matching` and runtime's EquivalentResourceMapper (read at v0.34.4): what
is served from one storage is equivalent. Of the API server itself these are, in 1.34 with default settings,
autoscalers and events; of custom resources all versions that are served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.core.errors import NotBuiltError

if TYPE_CHECKING:
    from seawall.policy.admission.request import Request
    from seawall.policy.admission.world import World

Json = dict[str, Any]


class Matched(NamedTuple):
    """The resource and kind that a policy's rules matched: those of the request, or an equivalent of them."""

    group: str
    version: str
    resource: str
    kind: str


_BUILTIN = (
    (
        ("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
        ("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    ),
    (("", "v1", "events", "Event"), ("events.k8s.io", "v1", "events", "Event")),
)


def own(request: Request) -> Matched:
    """Return what a request itself is for."""
    return Matched(
        request.group,
        str(request.resource.get("version") or ""),
        request.plural,
        str(request.kind.get("kind") or ""),
    )


def equivalents(world: World, request: Request) -> list[Matched]:
    """Return the other versions that the resource of a request is served in."""
    mine = own(request)
    for group in _BUILTIN:
        if any(one[:3] == mine[:3] for one in group):
            return [Matched(*one) for one in group if one[:3] != mine[:3]]
    for crd in world.kind("apiextensions.k8s.io", "CustomResourceDefinition"):
        spec = crd.get("spec") or {}
        names = spec.get("names") or {}
        if spec.get("group") == mine.group and names.get("plural") == mine.resource:
            return [
                Matched(mine.group, str(item.get("name")), mine.resource, str(names.get("kind")))
                for item in spec.get("versions") or ()
                if item.get("served") and item.get("name") != mine.version
            ]
    return []


def converted(world: World, request: Request, matched: Matched, obj: Json | None) -> Json | None:
    """Return an object of a request in the version that was matched.

    Raises:
        NotBuiltError: only a conversion webhook could tell, or the conversion is not built.
    """
    if obj is None or matched == own(request):
        return obj
    api = f"{matched.group}/{matched.version}" if matched.group else matched.version
    if matched.resource == "horizontalpodautoscalers":
        return (_autoscaler_v2 if matched.version == "v2" else _autoscaler_v1)(obj) | {"apiVersion": api}
    for crd in world.kind("apiextensions.k8s.io", "CustomResourceDefinition"):
        spec = crd.get("spec") or {}
        if spec.get("group") == matched.group and (spec.get("names") or {}).get("plural") == matched.resource:
            if ((spec.get("conversion") or {}).get("strategy") or "None") != "None":
                raise NotBuiltError(
                    f"{matched.resource}.{matched.group} is converted by a webhook of its own, which is not called"
                )
            return obj | {"apiVersion": api}
    raise NotBuiltError(f"the conversion of {matched.resource} to {api} is not built")


def _autoscaler_v2(obj: Json) -> Json:
    """Return autoscaling/v1 as v2: the one target becomes a metric (pkg/apis/autoscaling/v1/conversion.go)."""
    spec = dict(obj.get("spec") or {})
    target = spec.pop("targetCPUUtilizationPercentage", None)
    if target is not None:
        resource = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}
        spec["metrics"] = [{"type": "Resource", "resource": resource}]
    return obj | {"spec": spec}


def _autoscaler_v1(obj: Json) -> Json:
    """Return autoscaling/v2 as v1: a target for the processor stays, other metrics are not to be seen there."""
    spec = dict(obj.get("spec") or {})
    for metric in spec.pop("metrics", None) or ():
        resource = metric.get("resource") or {}
        target = (resource.get("target") or {}).get("averageUtilization")
        if metric.get("type") == "Resource" and resource.get("name") == "cpu" and target is not None:
            spec["targetCPUUtilizationPercentage"] = target
    spec.pop("behavior", None)
    return obj | {"spec": spec}


__all__ = ["Matched", "converted", "equivalents", "own"]
