"""Other versions of the same resource: what `matchPolicy: Equivalent` matches, and the object in that version.

apiserver `pkg/admission/plugin/policy/matching` and runtime's EquivalentResourceMapper (read at v0.34.4): what
is served from one storage is equivalent. Of the API server itself these are, in 1.34 with default settings,
autoscalers and events; of custom resources all versions that are served.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.core.errors import InputError
from seawall.policy.admission.conversions import CONVERSIONS

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


def converted(world: World, here: Matched, there: Matched, obj: Json | None) -> Json | None:
    """Return an object of the version `here` in the version `there`.

    Raises:
        InputError: only the conversion webhook of its CustomResourceDefinition could tell.
    """
    if obj is None or here == there:
        return obj
    api = f"{there.group}/{there.version}" if there.group else there.version
    convert = CONVERSIONS.get(there[:3])
    if convert is not None:
        return convert(obj) | {"apiVersion": api}
    for crd in world.kind("apiextensions.k8s.io", "CustomResourceDefinition"):
        spec = crd.get("spec") or {}
        if spec.get("group") == there.group and (spec.get("names") or {}).get("plural") == there.resource:
            if ((spec.get("conversion") or {}).get("strategy") or "None") != "None":
                raise InputError(
                    f"{there.resource}.{there.group} is converted to {there.version} by a webhook of its own: "
                    "what that answers cannot be known here",
                    hint="let the policy match the version of the request, or give matchPolicy Exact",
                    code="conversion-webhook",
                )
            return obj | {"apiVersion": api}
    return obj | {"apiVersion": api}


def no_way_back(here: Matched, there: Matched) -> str:
    """Return the words in which the server fails to take a change of its own kind in another version.

    It tries to convert the one version into the other, and knows only ways over its internal one (found in the real
    server 1.34.4: `dispatchOne` of mutating/dispatcher.go).
    """
    if here.group == there.group:
        return (
            f"converting ({here.version}.{here.kind}) to ({there.version}.{there.kind}): unknown conversion"
        )
    api = f"{there.group}/{there.version}" if there.group else there.version
    return (
        f'{here.version}.{here.kind} is not suitable for converting to "{api}" in scheme '
        '"pkg/runtime/scheme.go:110"'
    )


def settled(kind: Matched, obj: Json) -> Json:
    """Return a changed object as the server reads it back: texts of a Secret are data."""
    texts = obj.get("stringData")
    if (kind.group, kind.resource) != ("", "secrets") or not isinstance(texts, dict):
        return obj
    data = dict(obj.get("data") or {})
    data |= {name: base64.b64encode(str(text).encode()).decode() for name, text in texts.items()}
    return {name: value for name, value in obj.items() if name != "stringData"} | {"data": data}


__all__ = ["Matched", "converted", "equivalents", "no_way_back", "own", "settled"]
