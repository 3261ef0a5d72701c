"""The estate at one moment: Kubernetes objects, Azure resources, and what could not be read."""

from seawall.snapshot.model import (
    AzureResource,
    KubernetesObject,
    Origin,
    Passed,
    Path,
    Snapshot,
    Unread,
)

__all__ = ["AzureResource", "KubernetesObject", "Origin", "Passed", "Path", "Snapshot", "Unread"]
