"""`seawall serve authorization`: SubjectAccessReview in, SubjectAccessReview out (specs/access.md b5, lab b6).

`/authorize` answers by the roles and bindings of the snapshot, then by Azure RBAC where a cluster is named. It denies
only where a deny assignment says so: to know nothing is to have no opinion, so that other authorizers are still asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access import build_world
from seawall.access.attributes import MASTERS, Attributes, User, review_attributes
from seawall.access.azure.cluster import AzureCluster
from seawall.access.azure.directory import Directory
from seawall.access.azure.roles import ancestors_of, read_azure
from seawall.access.chain import authorize
from seawall.core.errors import InputError
from seawall.serve.service import BadRequest, Call, Json, Reply
from seawall.sources import read_paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seawall.access.world import AccessWorld
    from seawall.serve.service import Handler

VERSIONS = ("authorization.k8s.io/v1", "authorization.k8s.io/v1beta1")
ROW = "AzureResource"
"""The kind under which rows of Azure lie among the objects of a world; no API has it."""
_MASTERS = "system:masters is decided before any webhook"
_encode = msgspec.json.Encoder().encode


class _Resource(msgspec.Struct, gc=False):
    namespace: str = ""
    verb: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    field_selector: dict[str, Any] | None = msgspec.field(default=None, name="fieldSelector")
    label_selector: dict[str, Any] | None = msgspec.field(default=None, name="labelSelector")


class _NonResource(msgspec.Struct, gc=False):
    path: str = ""
    verb: str = ""


class _Spec(msgspec.Struct, gc=False):
    resource: _Resource | None = msgspec.field(default=None, name="resourceAttributes")
    other: _NonResource | None = msgspec.field(default=None, name="nonResourceAttributes")
    user: str = ""
    groups: tuple[str, ...] | None = None
    group: tuple[str, ...] | None = None
    """v1beta1's name of the groups."""
    extra: dict[str, tuple[str, ...]] | None = None
    uid: str = ""


class _Review(msgspec.Struct, gc=False):
    kind: str
    spec: _Spec
    version: str = msgspec.field(name="apiVersion")


_decode = msgspec.json.Decoder(_Review).decode


class AzureRows:
    """Azure's resources as a source of the host: role and deny assignments, role definitions, clusters."""

    def __init__(self, files: Any) -> None:
        """`files` is a `Files` source over the same paths: it knows when they change."""
        self.files = files

    def version(self) -> object:
        """Return what the file system says of the paths."""
        return self.files.version()

    def read(self) -> list[Json]:
        """Return the rows, each under the kind ROW. Raises InputError where a file cannot be read."""
        snapshot = read_paths(self.files.paths)
        if snapshot.unread:
            first = snapshot.unread[0]
            raise InputError(
                f"{first.path}: {first.reason}", hint="a world that is not whole decides nothing"
            )
        return [{"kind": ROW, "row": resource.row} for resource in snapshot.resources]


class Authorization:
    """The service; `cluster` is the Azure resource id of an AKS cluster with Azure RBAC, "" for none."""

    name = "authorization"

    def __init__(self, cluster: str = "", directory: Directory | None = None) -> None:
        self.cluster = cluster
        self.directory = directory or Directory()

    def handlers(self, objects: Sequence[Json]) -> Mapping[str, Handler]:
        """Compile a world. Raises InputError where objects of it could not be used: half a world decides wrongly."""
        world = build_world(item for item in objects if item.get("kind") != ROW)
        if world.problems:
            first = world.problems[0]
            raise InputError(f"{first.kind} {first.namespace}/{first.name}: {first.reason}")
        azure = None
        if self.cluster:
            rows = [item["row"] for item in objects if item.get("kind") == ROW]
            azure = AzureCluster(
                self.cluster, read_azure(rows, ancestors_of(rows, self.cluster)), directory=self.directory
            )
        return {"/authorize": _handler(world, azure)}


def _handler(world: AccessWorld, azure: AzureCluster | None) -> Handler:
    def answer(call: Call) -> Reply:
        version, spec, asked = read_review(call.body)
        status = status_of(world, azure, asked)
        verdict = "allow" if status["allowed"] else "deny" if "denied" in status else "no-opinion"
        answered = {"apiVersion": version, "kind": "SubjectAccessReview", "status": status}
        return Reply(_encode(answered), verdict, {"spec": spec, "status": status})

    return answer


def read_review(body: bytes) -> tuple[str, _Spec, Attributes]:
    """Read a SubjectAccessReview v1 or v1beta1: its version, its spec, and what is asked.

    Raises:
        BadRequest: it is none; the API server applies its failure policy.
    """
    try:
        review = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the body is no SubjectAccessReview: {error}") from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    if review.kind != "SubjectAccessReview" or review.version not in VERSIONS:
        raise BadRequest(
            f"the body is a {review.version} {review.kind}, not a SubjectAccessReview of {VERSIONS[0]} or v1beta1"
        )
    spec = review.spec
    resource, other = spec.resource, spec.other
    if resource is None and other is None:
        raise BadRequest("the SubjectAccessReview has neither resourceAttributes nor nonResourceAttributes")
    if resource is not None and (resource.field_selector or resource.label_selector):
        # Rare: selectors are read by the one reader that knows them.
        given = msgspec.to_builtins(spec)
        if spec.group and not spec.groups:
            given["groups"] = spec.group
        given.pop("group", None)
        given["groups"] = list(given.get("groups") or ())
        given = _plain(given)
        return review.version, spec, review_attributes(given, anybody=True)
    extra = tuple(spec.extra.items()) if spec.extra else ()
    user = User(spec.user, spec.groups or spec.group or (), spec.uid, extra)
    if resource is not None:
        asked = Attributes(
            user,
            resource.verb,
            resource.namespace,
            resource.group,
            resource.version,
            resource.resource,
            resource.subresource,
            resource.name,
        )
    else:
        asked = Attributes(user, other.verb, path=other.path, is_resource=False)  # type: ignore[union-attr] # one is there
    return review.version, spec, asked


def _plain(value: Any) -> Any:
    """Return lists for tuples, and leave out what is absent: the shape that JSON gives."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def status_of(world: AccessWorld, azure: AzureCluster | None, asked: Attributes) -> Json:
    """Decide a review: allowed, denied by a deny assignment, or no opinion; what is not known is an error in it."""
    if MASTERS in asked.user.groups:
        return {"allowed": False, "reason": _MASTERS}
    decision = authorize(world, asked)
    status: Json = {"allowed": decision.allowed}
    reason = decision.reason
    if azure is not None and not decision.allowed:
        step = azure.opinion(asked)
        status["allowed"] = step.decision == "allow"
        if step.decision == "deny":
            status["denied"] = True
        if step.decision == "unknown":
            status["evaluationError"] = step.reason
        reason = (
            step.reason if status["allowed"] else "\n".join(each for each in (reason, step.reason) if each)
        )
    if asked.selector_errors:
        status["evaluationError"] = "; ".join((*asked.selector_errors, status.get("evaluationError", "")))
    if reason:
        status["reason"] = reason
    return status


__all__ = ["Authorization", "AzureRows", "read_review", "status_of"]
