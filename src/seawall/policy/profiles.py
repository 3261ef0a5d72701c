"""Which seccomp and AppArmor profile each container of a pod really runs with, on a given version of Kubernetes.

Both began as annotations and became fields (seccomp in 1.19, AppArmor in 1.30). An annotation that is no
longer read protects nothing and says nothing, and a field that is not read yet neither: so each value comes
with its source, and each form that does not count with a warning (specs/nodes-upgrades.md b7, b8; KEP-135,
KEP-24; kubernetes pkg/api/pod and pkg/kubelet/kuberuntime).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.core.errors import InputError
from seawall.policy.podsecurity.checks.app_armor_profile import ANNOTATION as APP_ARMOR
from seawall.policy.podsecurity.checks.seccomp_profile_baseline import CONTAINER_ANNOTATION, POD_ANNOTATION
from seawall.policy.podsecurity.pod import template_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
SECCOMP_FIELDS = 19  # minor versions
SECCOMP_ANNOTATIONS_END = 27
APP_ARMOR_FIELDS = 30
CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
_ANNOTATED = {
    "runtime/default": "RuntimeDefault",
    "docker/default": "RuntimeDefault",
    "unconfined": "Unconfined",
}
UNSET = "unset"


class Profile(NamedTuple):
    """What one container runs with.

    Attributes:
        container: its name.
        kind: `seccomp` or `apparmor`.
        value: `RuntimeDefault`, `Unconfined`, `Localhost/NAME`, or `runtime's choice` where nobody has said
            (AppArmor: the runtime's default profile where the node has AppArmor, else none).
        source: the field or annotation that decided, or why none did.
    """

    container: str
    kind: str
    value: str
    source: str


class Profiles(NamedTuple):
    """The profiles of all containers, and what stands in the pod without counting."""

    effective: tuple[Profile, ...]
    warnings: tuple[str, ...]


def effective_profiles(obj: Json, minor: int, *, seccomp_default: bool = False) -> Profiles:
    """Return the profiles of a pod or workload on Kubernetes 1.`minor`.

    `seccomp_default` says that the kubelet's seccompDefault is on: what is unset is then RuntimeDefault.

    Raises:
        InputError: the object holds no pod, or is not of the API's shape.
    """
    template = template_of(obj)
    if template is None:
        return Profiles((), ())
    try:
        pod = _Pod(template, minor, seccomp_default)
        found = tuple(profile for container in pod.containers for profile in pod.of(container))
        return Profiles(found, tuple(dict.fromkeys(pod.warnings())))
    except (AttributeError, TypeError) as error:
        raise InputError(f"the pod is not of the API's shape: {error}") from None


class _Pod:
    def __init__(self, template: Json, minor: int, seccomp_default: bool) -> None:
        self.minor = minor
        self.seccomp_default = seccomp_default
        self.annotations: dict[str, str] = (template.get("metadata") or {}).get("annotations") or {}
        self.spec: Json = template.get("spec") or {}
        self.context: Json = self.spec.get("securityContext") or {}
        self.containers: list[Json] = [
            container for name in CONTAINER_LISTS for container in self.spec.get(name) or ()
        ]
        self.windows = (self.spec.get("os") or {}).get("name") == "windows"

    def of(self, container: Json) -> Iterator[Profile]:
        name = str(container.get("name") or "")
        if self.windows:
            yield Profile(name, "seccomp", "Unconfined", "Windows has neither")
            yield Profile(name, "apparmor", "Unconfined", "Windows has neither")
            return
        privileged = bool((container.get("securityContext") or {}).get("privileged"))
        for kind, find in (("seccomp", self.seccomp), ("apparmor", self.app_armor)):
            value, source = find(container, name)
            if privileged and value != "Unconfined":
                value, source = "Unconfined", f"securityContext.privileged; {source} is not applied"
            yield Profile(name, kind, value, source)

    def seccomp(self, container: Json, name: str) -> tuple[str, str]:
        key = CONTAINER_ANNOTATION + name
        own = (container.get("securityContext") or {}).get("seccompProfile")
        of_pod = self.context.get("seccompProfile")
        if self.minor >= SECCOMP_FIELDS:
            if own:
                return _field(own), "container securityContext.seccompProfile"
            # Until 1.26 the API server copied annotations into empty fields.
            if self.minor < SECCOMP_ANNOTATIONS_END and key in self.annotations:
                return _annotated(self.annotations[key]), f"annotation {key}"
            if of_pod:
                return _field(of_pod), "pod securityContext.seccompProfile"
        if self.minor < SECCOMP_ANNOTATIONS_END:
            for each in (key, POD_ANNOTATION):
                if each in self.annotations:
                    return _annotated(self.annotations[each]), f"annotation {each}"
        if self.seccomp_default:
            return "RuntimeDefault", "the kubelet's seccompDefault"
        return "Unconfined", UNSET

    def app_armor(self, container: Json, name: str) -> tuple[str, str]:
        key = APP_ARMOR + name
        if self.minor >= APP_ARMOR_FIELDS:
            own = (container.get("securityContext") or {}).get("appArmorProfile")
            if own:
                return _field(own), "container securityContext.appArmorProfile"
        if key in self.annotations:
            return _annotated(self.annotations[key]), f"annotation {key}"
        if self.minor >= APP_ARMOR_FIELDS and self.context.get("appArmorProfile"):
            return _field(self.context["appArmorProfile"]), "pod securityContext.appArmorProfile"
        return "runtime's choice", UNSET

    def warnings(self) -> Iterator[str]:
        names = {str(container.get("name") or "") for container in self.containers}
        version = f"1.{self.minor}"
        for key, value in self.annotations.items():
            seccomp = key == POD_ANNOTATION or key.startswith(CONTAINER_ANNOTATION)
            if not seccomp and not key.startswith(APP_ARMOR):
                continue
            if seccomp and self.minor >= SECCOMP_ANNOTATIONS_END:
                yield (
                    f"the annotation {key} is not read since 1.27: on {version} it protects nothing; "
                    "write securityContext.seccompProfile"
                )
                continue
            where = key.partition("/")[2]
            if key != POD_ANNOTATION and where not in names:
                yield f"the annotation {key} names no container of this pod: it protects nothing"
            if value not in _ANNOTATED and not value.startswith("localhost/"):
                yield f"the annotation {key} has no valid value: a profile of the node is localhost/NAME"
            if seccomp and self.minor >= SECCOMP_FIELDS:
                yield f"the annotation {key} is deprecated since 1.19 and not read from 1.27 on"
            elif not seccomp and self.minor >= APP_ARMOR_FIELDS:
                yield (
                    f"the annotation {key} is deprecated since 1.30; write securityContext.appArmorProfile"
                )
        for holder, where in (
            (self.context, "the pod"),
            *(((c.get("securityContext") or {}), f"container {c.get('name')}") for c in self.containers),
        ):
            if holder.get("appArmorProfile") and self.minor < APP_ARMOR_FIELDS:
                yield f"securityContext.appArmorProfile of {where} is not read before 1.30: on {version} it protects nothing"
            if holder.get("seccompProfile") and self.minor < SECCOMP_FIELDS:
                yield f"securityContext.seccompProfile of {where} is not read before 1.19: on {version} it protects nothing"


def _field(profile: Json) -> str:
    kind = str(profile.get("type") or "")
    return f"Localhost/{profile.get('localhostProfile') or ''}" if kind == "Localhost" else kind


def _annotated(value: str) -> str:
    if value.startswith("localhost/"):
        return f"Localhost/{value.removeprefix('localhost/')}"
    return _ANNOTATED.get(value, f"invalid: {value}")


__all__ = ["Profile", "Profiles", "effective_profiles"]
