"""Images from registries that a namespace allows: the annotation `seawall.dev/allowed-registries`.

Seawall's own rule (the control allowed-registries judges the same of what runs already): registries with
commas between them, such as `contoso.azurecr.io, mcr.microsoft.com`; an image without a registry is
docker.io's, as for a container runtime. Pods are refused; workloads are warned, as Pod Security does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.core.errors import InputError
from seawall.policy.admission.request import Denied
from seawall.policy.podsecurity.pod import template_of
from seawall.snapshot.workloads import POD_TEMPLATES

if TYPE_CHECKING:
    from seawall.policy.admission.request import Request
    from seawall.policy.admission.world import World

Json = dict[str, Any]
ANNOTATION = "seawall.dev/allowed-registries"
DEFAULT = "docker.io"
CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def registry_of(image: str) -> str:
    """Return the registry of an image reference (distribution's rule: a first part with a dot, a port, localhost)."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else DEFAULT


def allowed_registries(namespace: Json | None) -> frozenset[str]:
    """Return the registries that a namespace allows; empty where it says nothing."""
    annotations = ((namespace or {}).get("metadata") or {}).get("annotations") or {}
    text = str(annotations.get(ANNOTATION) or "")
    return frozenset(part for part in text.replace(" ", "").split(",") if part)


class AllowedRegistries:
    """The rule over one world; `used` says that some namespace has the annotation."""

    def __init__(self, world: World) -> None:
        self._allowed = {
            name: found for name, obj in world.namespaces.items() if (found := allowed_registries(obj))
        }
        self.used = bool(self._allowed)

    def admit(self, request: Request) -> None:
        """Judge a pod or workload; adds warnings. Raises Denied."""
        allowed = self._allowed.get(request.namespace)
        if allowed is None or request.operation not in {"CREATE", "UPDATE"} or request.object is None:
            return
        pod = request.plural == "pods" and not request.group
        if request.subresource and not (pod and request.subresource == "ephemeralcontainers"):
            return
        kind = (request.group, str(request.kind.get("kind") or ""))
        if kind not in POD_TEMPLATES:
            return
        strange = [
            image for image in self._images(request.object, kind[1]) if registry_of(image) not in allowed
        ]
        if not strange:
            return
        shown = ", ".join(f'"{image}"' for image in dict.fromkeys(strange))
        text = f"images not from the registries that namespace {request.namespace!r} allows ({', '.join(sorted(allowed))}): {shown}"
        if pod:
            raise Denied(403, "Forbidden", request.forbidden(text))
        request.warnings.append(text)

    def _images(self, obj: Json, kind: str) -> list[str]:
        template = template_of(obj | {"kind": kind})
        try:
            spec = (template or {}).get("spec") or {}
            return [
                str(container.get("image") or "")
                for name in CONTAINER_LISTS
                for container in spec.get(name) or ()
                if container.get("image")
            ]
        except (AttributeError, TypeError) as error:
            raise InputError(f"the pod is not of the API's shape: {error}") from None


__all__ = ["ANNOTATION", "AllowedRegistries", "allowed_registries", "registry_of"]
