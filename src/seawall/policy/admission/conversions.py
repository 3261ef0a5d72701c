"""Objects of the API server's own kinds in another version (kubernetes pkg/apis/{autoscaling,events}, v1.34.4).

HorizontalPodAutoscaler: version 1 has one target for the processor, all else stands in annotations, as the JSON of
Go's structs. Event: the same fields under other names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.policy.admission.typed.quantities import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
_PREFIX = "autoscaling.alpha.kubernetes.io/"
_METRICS, _STATUSES = f"{_PREFIX}metrics", f"{_PREFIX}current-metrics"
_BEHAVIOR, _CONDITIONS = f"{_PREFIX}behavior", f"{_PREFIX}conditions"
_CARRIED = (
    _METRICS, _STATUSES, _BEHAVIOR, _CONDITIONS, f"{_PREFIX}scale-down-tolerance", f"{_PREFIX}scale-up-tolerance",
)  # fmt: skip


def _marshal(value: Any) -> str:
    """Return JSON as Go's encoder writes it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _unmarshal(text: Any) -> Any:
    """Return what an annotation holds; None where it is no JSON, which the server passes over."""
    try:
        return msgspec.json.decode(str(text).encode())
    except msgspec.DecodeError:
        return None


def _some(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _selector(given: Json | None) -> Json | None:
    if given is None:
        return None
    labels = given.get("matchLabels")
    expressions = [
        _some(key=each.get("key"), operator=each.get("operator"), values=each.get("values") or None)
        for each in given.get("matchExpressions") or ()
    ]
    return _some(
        matchLabels=dict(sorted(labels.items())) if labels else None, matchExpressions=expressions or None
    )


def _reference(given: Json) -> Json:
    found = {"kind": given.get("kind", ""), "name": given.get("name", "")}
    return found | ({"apiVersion": given["apiVersion"]} if given.get("apiVersion") else {})


def _amount(value: Any) -> Any:
    return None if value is None else canonical(value)


def _metric_v1(metric: Json, *, now: bool) -> Json:
    """Return a metric (or, `now`, its current value) of version 2 as one of version 1."""
    word = "current" if now else "target"
    found: Json = {"type": metric.get("type", "")}
    for kind in ("object", "pods", "resource", "containerResource", "external"):
        given = metric.get(kind)
        if given is None:
            continue
        values: Json = given.get(word) or {}
        about: Json = given.get("metric") or {}
        average, value = _amount(values.get("averageValue")), _amount(values.get("value"))
        if kind == "object":
            found[kind] = {
                "target": _reference(given.get("describedObject") or {}), "metricName": about.get("name", ""),
                f"{word}Value": value or "0", **_some(selector=_selector(about.get("selector")), averageValue=average),
            }  # fmt: skip
        elif kind == "pods":
            found[kind] = {"metricName": about.get("name", ""), f"{word}AverageValue": average or "0"}
            found[kind] |= _some(selector=_selector(about.get("selector")))
        elif kind == "external":
            found[kind] = {"metricName": about.get("name", "")}
            found[kind] |= _some(metricSelector=_selector(about.get("selector")))
            found[kind] |= {f"{word}Value": value or "0"} if now else _some(targetValue=value)
            found[kind] |= _some(**{f"{word}AverageValue": average})
        else:
            found[kind] = {"name": given.get("name", "")}
            found[kind] |= _some(**{f"{word}AverageUtilization": values.get("averageUtilization")})
            found[kind] |= (
                {f"{word}AverageValue": average or "0"} if now else _some(targetAverageValue=average)
            )
            if kind == "containerResource":
                found[kind]["container"] = given.get("container", "")
    return found


def _metric_v2(metric: Json, *, now: bool) -> Json:
    """Return a metric of version 1 as one of version 2."""
    word = "current" if now else "target"
    found: Json = {"type": metric.get("type", "")}
    for kind in ("object", "pods", "resource", "containerResource", "external"):
        given = metric.get(kind)
        if given is None:
            continue
        value = given.get(f"{word}Value")
        average = given.get("averageValue" if kind == "object" else f"{word}AverageValue")
        share = given.get(f"{word}AverageUtilization")
        if kind in {"resource", "containerResource"}:
            form = "AverageValue" if share is None else "Utilization"
            made: Json = {"name": given.get("name", "")}
            if kind == "containerResource":
                made["container"] = given.get("container", "")
            value = None
        else:
            lone = average is not None if kind == "object" else value is None
            form = "AverageValue" if kind == "pods" or lone else "Value"
            selector = given.get("metricSelector" if kind == "external" else "selector")
            made = {"metric": {"name": given.get("metricName", "")} | _some(selector=_selector(selector))}
            if kind == "object":
                made["describedObject"] = _reference(given.get("target") or {})
        held = _some(value=_amount(value), averageValue=_amount(average), averageUtilization=share)
        found[kind] = made | {word: held if now else {"type": form} | held}
    return found


def _is_processor(metric: Json, part: str) -> bool:
    resource = metric.get("resource") or {}
    return (
        metric.get("type") == "Resource"
        and resource.get("name") == "cpu"
        and (resource.get(part) or {}).get("averageUtilization") is not None
    )


def autoscaler_v1(obj: Json) -> Json:
    """Return autoscaling/v2 as v1."""
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    carried: Json = {}
    metrics = spec.pop("metrics", None) or ()
    others = []
    for metric in metrics:
        if _is_processor(metric, "target"):
            share = metric["resource"]["target"]["averageUtilization"]
            spec.setdefault("targetCPUUtilizationPercentage", share)
        else:
            others.append(_metric_v1(metric, now=False))
    if others:
        carried[_METRICS] = _marshal(others)
    current = status.pop("currentMetrics", None) or ()
    for metric in current:
        if _is_processor(metric, "current"):
            status["currentCPUUtilizationPercentage"] = metric["resource"]["current"]["averageUtilization"]
    if current:
        carried[_STATUSES] = _marshal([_metric_v1(metric, now=True) for metric in current])
    behavior = spec.pop("behavior", None)
    if behavior is not None:
        carried[_BEHAVIOR] = _marshal(
            {"ScaleUp": _rules(behavior.get("scaleUp")), "ScaleDown": _rules(behavior.get("scaleDown"))}
        )
    conditions = status.pop("conditions", None)
    if conditions:
        carried[_CONDITIONS] = _marshal([_condition(each) for each in conditions])
    return _annotated(obj, carried) | {"spec": spec} | ({"status": status} if "status" in obj else {})


def _condition(given: Json) -> Json:
    found = {"type": given.get("type", ""), "status": given.get("status", "")}
    found["lastTransitionTime"] = given.get("lastTransitionTime")
    return found | {name: given[name] for name in ("reason", "message") if given.get(name)}


def _rules(given: Json | None) -> Json | None:
    """Return scaling rules as the server's internal struct, which is what the annotation holds."""
    if given is None:
        return None
    policies = given.get("policies")
    return {
        "StabilizationWindowSeconds": given.get("stabilizationWindowSeconds"),
        "SelectPolicy": given.get("selectPolicy"),
        "Policies": None
        if policies is None
        else [
            {
                "Type": each.get("type", ""),
                "Value": each.get("value", 0),
                "PeriodSeconds": each.get("periodSeconds", 0),
            }
            for each in policies
        ],
        "Tolerance": _amount(given.get("tolerance")),
    }


def autoscaler_v2(obj: Json) -> Json:
    """Return autoscaling/v1 as v2."""
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    share = spec.pop("targetCPUUtilizationPercentage", None)
    others = _unmarshal(annotations[_METRICS]) if _METRICS in annotations else None
    metrics = [_metric_v2(each, now=False) for each in others or () if isinstance(each, dict)]
    if share is not None or not metrics:
        target = {"type": "Utilization", "averageUtilization": 80 if share is None else share}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    spec["metrics"] = metrics
    behavior = _unmarshal(annotations[_BEHAVIOR]) if _BEHAVIOR in annotations else None
    if isinstance(behavior, dict):
        held = _some(
            scaleUp=_plain_rules(behavior.get("ScaleUp")), scaleDown=_plain_rules(behavior.get("ScaleDown"))
        )
        if held:
            spec["behavior"] = held
    share = status.pop("currentCPUUtilizationPercentage", None)
    current = _unmarshal(annotations[_STATUSES]) if _STATUSES in annotations else None
    if current:
        status["currentMetrics"] = [_metric_v2(each, now=True) for each in current]
    elif share is not None:
        resource = {"name": "cpu", "current": {"averageUtilization": share}}
        status["currentMetrics"] = [{"type": "Resource", "resource": resource}]
    conditions = _unmarshal(annotations[_CONDITIONS]) if _CONDITIONS in annotations else None
    if conditions:
        status["conditions"] = conditions
    return _annotated(obj, {}) | {"spec": spec} | ({"status": status} if "status" in obj else {})


def _plain_rules(given: Any) -> Json | None:
    if not isinstance(given, dict):
        return None
    policies = given.get("Policies")
    return _some(
        stabilizationWindowSeconds=given.get("StabilizationWindowSeconds"),
        selectPolicy=given.get("SelectPolicy"),
        policies=None
        if policies is None
        else [
            {
                "type": each.get("Type", ""),
                "value": each.get("Value", 0),
                "periodSeconds": each.get("PeriodSeconds", 0),
            }
            for each in policies
        ],
        tolerance=_amount(given.get("Tolerance")),
    )


def _annotated(obj: Json, carried: Json) -> Json:
    """Return an object with only those of the carrying annotations that are given."""
    metadata = dict(obj.get("metadata") or {})
    kept = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in _CARRIED}
    if kept or carried:
        metadata["annotations"] = kept | carried
    else:
        metadata.pop("annotations", None)
    return obj | {"metadata": metadata}


# core/v1 -> events.k8s.io/v1, and what a field is that nobody set: Go writes its structs out.
_EVENT = {
    "involvedObject": "regarding", "message": "note", "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp", "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount", "reportingComponent": "reportingController",
}  # fmt: skip
_WRITTEN_OUT: Json = {
    "involvedObject": {},
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
}


def event_of_events(obj: Json) -> Json:
    """Return a core/v1 Event as one of events.k8s.io/v1."""
    found = {_EVENT.get(name, name): value for name, value in (_WRITTEN_OUT | obj).items()}
    for name in ("reportingController", "reportingInstance"):
        if found.get(name) == "":
            del found[name]
    return found


def event_of_core(obj: Json) -> Json:
    """Return an events.k8s.io/v1 Event as one of core/v1."""
    back = {name: old for old, name in _EVENT.items()}
    found = _WRITTEN_OUT | {back.get(name, name): value for name, value in obj.items()}
    return {"reportingComponent": "", "reportingInstance": ""} | found


CONVERSIONS: dict[tuple[str, str, str], Callable[[Json], Json]] = {
    ("autoscaling", "v1", "horizontalpodautoscalers"): autoscaler_v1,
    ("autoscaling", "v2", "horizontalpodautoscalers"): autoscaler_v2,
    ("events.k8s.io", "v1", "events"): event_of_events,
    ("", "v1", "events"): event_of_core,
}
"""To the version named, from the one other that is served from the same storage."""
