"""The smallest change that makes a workload meet a Pod Security level, checked by the engine that refused it.

Every field that a check looks at has an edit: set it as the level wants, or take it out. All edits together
are the whole cure; then each is taken back unless the workload fails without it. What is left is a patch of
which no part can be spared (RFC 6902). No edit invents a volume: what cannot be cured is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.policy.admission.typed.jsonpatch import apply_patch, difference, plain_copy
from seawall.policy.podsecurity import evaluate
from seawall.policy.podsecurity.checks.app_armor_profile import ANNOTATION as APP_ARMOR
from seawall.policy.podsecurity.checks.seccomp_profile_baseline import CONTAINER_ANNOTATION, POD_ANNOTATION
from seawall.policy.podsecurity.pod import template_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
Edit = tuple[str, ...]
"""Which edit: a word of `_EDITS`, then where (`pod`, or a list of containers and a position) and what."""

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
_CONTEXTS = ("privileged", "procMount", "runAsUser", "allowPrivilegeEscalation", "runAsNonRoot", "seccompProfile",
             "appArmorProfile")  # fmt: skip


class Fix(NamedTuple):
    """A patch for one object, and what it does not cure.

    Attributes:
        patch: JSON Patch operations; empty where nothing can be done.
        remaining: ids of the checks that fail after it too: a person has to decide.
        removes: what the workload loses by it, as field paths: look whether it can do without.
    """

    patch: tuple[Json, ...]
    remaining: tuple[str, ...]
    removes: tuple[str, ...]


def smallest_fix(obj: Json, level: str, version: int) -> Fix:
    """Return the smallest patch with which a workload meets a level, or comes as near as edits can.

    Raises:
        InputError: the object holds no pod, or is not of the API's shape.
    """
    before = {violation.check for violation in evaluate(obj, level, version)}
    if not before:
        return Fix((), (), ())
    chosen = list(_edits(obj))
    whole = _failing(_edited(obj, chosen), level, version)
    # Edits that take something away are spared first: they are tried in the order of how much they cost.
    for edit in sorted(chosen, key=_cost, reverse=True):
        fewer = [one for one in chosen if one is not edit]
        if _failing(_edited(obj, fewer), level, version) <= whole:
            chosen = fewer
    fixed = _edited(obj, chosen)
    patch = tuple(difference(obj, fixed))
    # The patch that is handed out is the one that is checked.
    remaining = sorted(_failing(apply_patch(obj, list(patch)), level, version))
    removed = tuple(one["path"] for one in patch if one["op"] == "remove")
    return Fix(patch, tuple(remaining), removed)


def _failing(obj: Json, level: str, version: int) -> set[str]:
    return {violation.check for violation in evaluate(obj, level, version)}


def _cost(edit: Edit) -> int:
    """Say how much an edit takes away: a namespace of the host more than a default that is written down."""
    return {"drop-field": 3, "drop-context": 2, "drop-item": 2, "drop-annotation": 2}.get(edit[0], 1)


# ---- what could be edited ----


def _edits(obj: Json) -> Iterator[Edit]:
    template = template_of(obj) or {}
    spec: Json = template.get("spec") or {}
    for key in (template.get("metadata") or {}).get("annotations") or {}:
        if key.startswith((APP_ARMOR, CONTAINER_ANNOTATION)) or key == POD_ANNOTATION:
            yield "drop-annotation", key
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield "drop-field", field
    yield "set", "pod", "runAsNonRoot"
    yield "set", "pod", "seccompProfile"
    yield from _context_edits("pod", spec.get("securityContext") or {})
    for sysctl in (spec.get("securityContext") or {}).get("sysctls") or ():
        yield "drop-item", "pod", "sysctls", str(sysctl.get("name"))
    for name in CONTAINER_LISTS:
        for position, container in enumerate(spec.get(name) or ()):
            where = f"{name}/{position}"
            context = container.get("securityContext") or {}
            yield "set", where, "allowPrivilegeEscalation"
            yield "set", where, "capabilities"
            yield from _context_edits(where, context)
            for capability in (context.get("capabilities") or {}).get("add") or ():
                yield "drop-item", where, "capabilities", str(capability)
            if any(port.get("hostPort") for port in container.get("ports") or ()):
                yield "drop-item", where, "hostPort"
            if _hosts(container):
                yield "drop-item", where, "probe-host"


def _context_edits(where: str, context: Json) -> Iterator[Edit]:
    for field in _CONTEXTS:
        if field in context:
            yield "drop-context", where, field
    for field in context.get("seLinuxOptions") or {}:
        yield "drop-context", where, "seLinuxOptions", field
    if "hostProcess" in (context.get("windowsOptions") or {}):
        yield "drop-context", where, "windowsOptions", "hostProcess"


def _hosts(container: Json) -> list[Json]:
    """Return the actions of probes and hooks that name a host."""
    holders = [container.get(name) or {} for name in ("livenessProbe", "readinessProbe", "startupProbe")]
    holders += [(container.get("lifecycle") or {}).get(name) or {} for name in ("postStart", "preStop")]
    actions = [holder.get(kind) or {} for holder in holders for kind in ("httpGet", "tcpSocket")]
    return [action for action in actions if action.get("host")]


# ---- how each is done ----


def _edited(obj: Json, edits: list[Edit]) -> Json:
    found: Json = plain_copy(obj)
    template = template_of(found)
    if template is None:
        return found
    # First what is taken away, then what is set: a container's own value would hide the pod's.
    for edit in sorted(edits, key=lambda one: one[0] == "set"):
        _DO[edit[0]](template, *edit[1:])
    return found


def _holder(template: Json, where: str) -> Json:
    spec: Json = template["spec"]
    if where == "pod":
        return spec
    name, _, position = where.partition("/")
    container: Json = spec[name][int(position)]
    return container


def _set(template: Json, where: str, field: str) -> None:
    holder = _holder(template, where)
    context: Json = holder.get("securityContext") or {}
    if field == "capabilities":
        capabilities = dict(context.get("capabilities") or {})
        if "ALL" not in (capabilities.get("drop") or ()):
            capabilities["drop"] = ["ALL"]
        value: Any = capabilities
    else:
        value = {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
            "allowPrivilegeEscalation": False,
        }[field]
        if field == "seccompProfile" and (context.get(field) or {}).get("type") in {
            "RuntimeDefault",
            "Localhost",
        }:
            return
    holder["securityContext"] = context | {field: value}


def _drop_field(template: Json, field: str) -> None:
    template["spec"].pop(field, None)


def _drop_context(template: Json, where: str, field: str, inner: str = "") -> None:
    context = _holder(template, where).get("securityContext") or {}
    if inner:
        (context.get(field) or {}).pop(inner, None)
    else:
        context.pop(field, None)


def _drop_item(template: Json, where: str, what: str, value: str = "") -> None:
    holder = _holder(template, where)
    context = holder.get("securityContext") or {}
    match what:
        case "sysctls":
            context["sysctls"] = [one for one in context["sysctls"] if str(one.get("name")) != value]
        case "capabilities":
            added = context["capabilities"]["add"]
            context["capabilities"]["add"] = [one for one in added if str(one) != value]
        case "hostPort":
            for port in holder["ports"]:
                port.pop("hostPort", None)
        case _:
            for action in _hosts(holder):
                action.pop("host", None)


def _drop_annotation(template: Json, key: str) -> None:
    template["metadata"]["annotations"].pop(key, None)


_DO: dict[str, Callable[..., None]] = {
    "set": _set,
    "drop-field": _drop_field,
    "drop-context": _drop_context,
    "drop-item": _drop_item,
    "drop-annotation": _drop_annotation,
}


__all__ = ["Fix", "smallest_fix"]
