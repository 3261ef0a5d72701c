"""Which objects a pod or a volume names (kubernetes pkg/api/v1/pod/util.go, persistentvolume/util.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MIRROR = "kubernetes.io/config.mirror"

# A volume has one source; the first that is set counts, in this order. (key, path to the secret's name)
_VOLUME_SECRETS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("azureFile", ("secretName",)),
    ("cephfs", ("secretRef", "name")),
    ("cinder", ("secretRef", "name")),
    ("flexVolume", ("secretRef", "name")),
    ("projected", ()),
    ("rbd", ("secretRef", "name")),
    ("secret", ("secretName",)),
    ("scaleIO", ("secretRef", "name")),
    ("iscsi", ("secretRef", "name")),
    ("storageos", ("secretRef", "name")),
    ("csi", ("nodePublishSecretRef", "name")),
)
_CLAIM_NAMESPACE = ("cephfs", "flexVolume", "rbd", "scaleIO", "iscsi")
_ORDER = ("cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos")
# controllerPublish and controllerExpand secrets are for controllers, never for a kubelet.
_CSI_KUBELET = ("nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef")


def is_mirror(metadata: dict[str, Any]) -> bool:
    """Tell whether a pod is the mirror of a static pod: the annotation is there, whatever it holds."""
    annotations = metadata.get("annotations")
    return isinstance(annotations, dict) and MIRROR in annotations


def _list(holder: Any, key: str) -> Iterator[dict[str, Any]]:
    value = holder.get(key) if isinstance(holder, dict) else None
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _name(holder: Any, *path: str) -> str:
    for key in path:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder if isinstance(holder, str) else ""


def _containers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("initContainers", "containers", "ephemeralContainers"):
        yield from _list(spec, key)


def pod_secret_names(spec: dict[str, Any]) -> set[str]:
    """Return the secrets that a pod's spec names."""
    found = {_name(item, "name") for item in _list(spec, "imagePullSecrets")}
    for container in _containers(spec):
        found |= {_name(item, "secretRef", "name") for item in _list(container, "envFrom")}
        found |= {_name(item, "valueFrom", "secretKeyRef", "name") for item in _list(container, "env")}
    for volume in _list(spec, "volumes"):
        for key, path in _VOLUME_SECRETS:
            source = volume.get(key)
            if not isinstance(source, dict):
                continue
            if path:
                found.add(_name(source, *path))
            else:
                found |= {_name(item, "secret", "name") for item in _list(source, "sources")}
            break
    found.discard("")
    return found


def configmap_names(spec: dict[str, Any]) -> set[str]:
    """Return the config maps that a pod's spec names."""
    found: set[str] = set()
    for container in _containers(spec):
        found |= {_name(item, "configMapRef", "name") for item in _list(container, "envFrom")}
        found |= {_name(item, "valueFrom", "configMapKeyRef", "name") for item in _list(container, "env")}
    for volume in _list(spec, "volumes"):
        projected = volume.get("projected")
        if isinstance(projected, dict):
            found |= {_name(item, "configMap", "name") for item in _list(projected, "sources")}
        else:
            found.add(_name(volume, "configMap", "name"))
    found.discard("")
    return found


def claim_names(spec: dict[str, Any], pod: str) -> set[str]:
    """Return the volume claims of a pod; an ephemeral volume's claim is called POD-VOLUME."""
    found: set[str] = set()
    for volume in _list(spec, "volumes"):
        if isinstance(volume.get("persistentVolumeClaim"), dict):
            found.add(_name(volume, "persistentVolumeClaim", "claimName"))
        elif isinstance(volume.get("ephemeral"), dict):
            found.add(f"{pod}-{_name(volume, 'name')}")
    found.discard("")
    return found


def resource_claim_names(pod: dict[str, Any]) -> set[str]:
    """Return the resource claims of a pod: named, made from a template (status), or for extended resources."""
    spec, status = pod.get("spec"), pod.get("status")
    found: set[str] = set()
    for item in _list(spec, "resourceClaims"):
        if isinstance(item.get("resourceClaimName"), str):
            found.add(_name(item, "resourceClaimName"))
        elif isinstance(item.get("resourceClaimTemplateName"), str):
            for made in _list(status, "resourceClaimStatuses"):
                if made.get("name") == item.get("name"):
                    found.add(_name(made, "resourceClaimName"))
                    break
    found.add(_name(status, "extendedResourceClaimStatus", "resourceClaimName"))
    found.discard("")
    return found


def volume_secrets(spec: dict[str, Any], claim_namespace: str) -> Iterator[tuple[str, str]]:
    """Yield (namespace, name) of the secrets that a kubelet needs for a PersistentVolume."""
    azure = spec.get("azureFile")
    if isinstance(azure, dict):
        if _name(azure, "secretName"):
            yield _name(azure, "secretNamespace") or claim_namespace, _name(azure, "secretName")
        return
    for key in _ORDER:
        source = spec.get(key)
        if isinstance(source, dict):
            reference = source.get("secretRef")
            if isinstance(reference, dict) and _name(reference, "name"):
                fallback = claim_namespace if key in _CLAIM_NAMESPACE else ""
                yield _name(reference, "namespace") or fallback, _name(reference, "name")
            return
    csi = spec.get("csi")
    if isinstance(csi, dict):
        for key in _CSI_KUBELET:
            reference = csi.get(key)
            if isinstance(reference, dict) and _name(reference, "name"):
                yield _name(reference, "namespace"), _name(reference, "name")
