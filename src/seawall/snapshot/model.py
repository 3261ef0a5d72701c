"""The estate at one moment, as it was read. Immutable: a what-if is a new snapshot."""

from __future__ import annotations

from typing import Any

import msgspec

Path = tuple[str | int, ...]
"""Steps into a JSON value: keys and list indexes, as in `("spec", "containers", 0, "image")`."""


class Origin(msgspec.Struct, frozen=True):
    """Where an object was read: the file, which of its documents, and the steps inside that document.

    Lines are worked out from this only when a finding needs them (`seawall.sources.Locator`).
    """

    file: str
    document: int = 0
    path: Path = ()


class KubernetesObject(msgspec.Struct, frozen=True):
    """One Kubernetes object: the dict that was read, untouched (`raw`), and where it stood."""

    raw: dict[str, Any]
    origin: Origin

    @property
    def api_version(self) -> str:
        """`apps/v1`."""
        return str(self.raw.get("apiVersion") or "")

    @property
    def group(self) -> str:
        """`apps`; empty for the core group."""
        group, slash, _ = self.api_version.partition("/")
        return group if slash else ""

    @property
    def kind(self) -> str:
        """`Deployment`."""
        return str(self.raw.get("kind") or "")

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata, or an empty dict."""
        metadata = self.raw.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @property
    def name(self) -> str:
        """The name; the generateName where there is no name."""
        return str(self.metadata.get("name") or self.metadata.get("generateName") or "")

    @property
    def namespace(self) -> str:
        """The namespace as written: empty when absent."""
        return str(self.metadata.get("namespace") or "")


class AzureResource(msgspec.Struct, frozen=True):
    """One Azure resource in the one normal form: a Resource Graph row with ARM's property names.

    `row` has the columns of specs b.6 (id, name, type, location, resourceGroup, subscriptionId, tenantId,
    kind, managedBy, sku, plan, properties, tags, identity, zones, extendedLocation, apiVersion); `type`,
    `location` and `resourceGroup` are lower case.
    `unknown` holds the dotted paths whose value is not known yet (a Terraform plan's `after_unknown`, an
    expression that cannot be evaluated): a control that reads one of them answers `unknown`.
    `origins` leads from a dotted normal path back to the steps in the file where the two differ;
    a path that is not in it lies at the same steps below `origin`.
    `form` says which input form it came from.
    """

    row: dict[str, Any]
    origin: Origin
    form: str = "arm"
    unknown: frozenset[str] = frozenset()
    origins: dict[str, Path] = msgspec.field(default_factory=dict)

    @property
    def id(self) -> str:
        """The resource id, as written."""
        return str(self.row.get("id") or "")

    @property
    def type(self) -> str:
        """`microsoft.containerservice/managedclusters`."""
        return str(self.row.get("type") or "")


class Unread(msgspec.Struct, frozen=True, order=True):
    """Something that was there and could not be read, or not whole. `location` is `path[:line[:column]]`."""

    path: str
    reason: str


class Passed(msgspec.Struct, frozen=True, order=True):
    """A file that was seen and holds nothing for Seawall (a README, a picture): listed, not fatal."""

    path: str
    reason: str


class Snapshot(msgspec.Struct, frozen=True):
    """Everything that was read, in stable order, and what could not be read."""

    objects: tuple[KubernetesObject, ...] = ()
    resources: tuple[AzureResource, ...] = ()
    unread: tuple[Unread, ...] = ()
    ignored: tuple[Passed, ...] = ()
    texts: dict[str, bytes] = msgspec.field(default_factory=dict)
    """Bytes by file name: of what cannot be read twice (standard input, rendered charts), and of files that may hold
    waivers in comments or annotations."""
