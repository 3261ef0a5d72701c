"""May this user write this role or binding? The checks against escalation, in the API server's order and words.

Sources: kubernetes 1.34 pkg/registry/rbac/{escalation_check.go, */policybased/storage.go, validation/rule.go} and
specs b2, b10. Order of a create: authorization, escalation, validation, existence. Of an update: authorization,
escalation (unless only the garbage collector's fields change), validation, and for an upsert `create` as well.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.attributes import MASTERS, Attributes, User
from seawall.access.chain import authorize
from seawall.access.rbac.covers import TooManyAtomsError, compact, compact_text, uncovered
from seawall.access.rbac.index import missing_text
from seawall.access.rbac.model import (
    GROUP,
    KINDS,
    Binding,
    Role,
    Rule,
    ShapeError,
    read_binding,
    read_role,
)
from seawall.access.rbac.validation import invalid_message, object_errors
from seawall.access.refusals import forbidden_message
from seawall.access.text import aggregate, quote, quote_list
from seawall.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seawall.access.world import AccessWorld

EVERYTHING = (Rule(("*",), ("*",), ("*",)), Rule(("*",), urls=("*",)))
_GARBAGE = ("ownerReferences", "finalizers", "selfLink", "managedFields")


class Written(msgspec.Struct, frozen=True):
    """The API server's answer to a write: HTTP code, and the Status message where it refuses."""

    code: int
    message: str = ""

    @property
    def allowed(self) -> bool:
        """True for 200 and 201."""
        return self.code < 300


class _RefusedError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = Written(code, message)


def check_write(world: AccessWorld, raw: Any, operation: str, user: User) -> Written:
    """Answer a create or update of a Role, ClusterRole, RoleBinding or ClusterRoleBinding.

    Raises:
        InputError: it is no such object, or no such operation.
    """
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError("write is no Role, ClusterRole, RoleBinding or ClusterRoleBinding")
    if operation not in ("create", "update"):
        raise InputError(f"operation is {operation!r}", hint='it is "create" or "update"')
    try:
        write = _Write(world, raw, user)
    except ShapeError as error:
        raise InputError(f"the object is not of its kind's shape: {error}") from None
    except RecursionError:
        raise InputError("the object is nested too deeply") from None
    try:
        return write.create() if operation == "create" else write.update()
    except _RefusedError as refused:
        return refused.answer
    except RecursionError:
        raise InputError("the object is nested too deeply") from None
    except TooManyAtomsError:
        raise InputError("the rules to be granted multiply to more than can be compared one by one") from None


class _Write:
    """One write: the object as decoded and defaulted, and what the world holds of it."""

    def __init__(self, world: AccessWorld, raw: dict[str, Any], user: User) -> None:
        self.world, self.user = world, user
        self.kind: str = raw["kind"]
        self.resource = KINDS[self.kind]
        self.raw = defaulted(raw)
        self.new: Role | Binding
        if self.kind in ("Role", "ClusterRole"):
            self.new = read_role(self.raw)
        else:
            if not isinstance(self.raw.get("roleRef"), dict):
                self.raw["roleRef"] = {"apiGroup": GROUP, "kind": "", "name": ""}
            self.new = read_binding(self.raw)
        self.namespace, self.name = self.new.namespace, self.new.name
        self.masters = MASTERS in user.groups

    # ---- the two operations ----

    def create(self) -> Written:
        self._authorize("create", "")
        self._refuse_escalation(None, "")
        self._validate(None)
        if self._old() is not None:
            message = f"{self.resource}.{GROUP} {quote(self.name)} already exists"
            raise _RefusedError(409, message)
        return Written(201)

    def update(self) -> Written:
        self._authorize("update", self.name)
        old = self._old()
        self._refuse_escalation(old, self.name)
        if old is None:
            self._validate(None)
            self._authorize("create", self.name)
            return Written(201)
        self._conflict(old)
        self._validate(old)
        return Written(200)

    # ---- steps ----

    def _asked(
        self, verb: str, resource: str, name: str, group: str = GROUP, version: str = "v1"
    ) -> Attributes:
        return Attributes(self.user, verb, self.namespace, group, version, resource, "", name)

    def _authorize(self, verb: str, name: str) -> None:
        asked = self._asked(verb, self.resource, name)
        decision = authorize(self.world, asked)
        if not decision.allowed:
            raise _RefusedError(403, forbidden_message(asked, decision.reason))

    def _old(self) -> dict[str, Any] | None:
        if self.kind == "ClusterRole":
            return _stored(self.world.rbac.cluster_roles.get(self.name))
        if self.kind == "Role":
            return _stored(self.world.rbac.roles.get((self.namespace, self.name)))
        return _stored(
            next(
                (
                    binding
                    for binding in self.world.rbac.bindings
                    if (binding.namespace, binding.name) == (self.namespace, self.name)
                ),
                None,
            )
        )

    def _refuse_escalation(self, old: dict[str, Any] | None, name: str) -> None:
        if self.masters:
            return
        if isinstance(self.new, Role):
            self._refuse_role(self.new, old, name)
        else:
            self._refuse_binding(self.new, old)

    def _refuse_role(self, role: Role, old: dict[str, Any] | None, name: str) -> None:
        # A create asks for `escalate` with an empty name: its URL has none (specs b10).
        if authorize(self.world, self._asked("escalate", self.resource, name, version="*")).allowed:
            return
        if old is not None and only_garbage_changes(self.raw, old):
            return
        if missing := self._missing(role.rules):
            self._forbid(missing)
        aggregated = role.selectors or (old is not None and _aggregates(old))
        if self.kind == "ClusterRole" and aggregated and self._missing(EVERYTHING):
            self._forbid("must have cluster-admin privileges to use the aggregationRule")

    def _refuse_binding(self, binding: Binding, old: dict[str, Any] | None) -> None:
        if old is not None and only_garbage_changes(self.raw, old):
            return
        resource = {"ClusterRole": "clusterroles", "Role": "roles"}.get(binding.role_kind)
        if resource is not None:
            asked = self._asked("bind", resource, binding.role_name, binding.role_group, "*")
            if authorize(self.world, asked).allowed:
                return
        if binding.role_kind == "Role" and not binding.namespace:
            # The storage is asked for a Role without a namespace (NamespaceKeyFunc).
            raise _RefusedError(400, "Namespace parameter required.")
        role = self.world.rbac.role_of(binding)
        if role is None:
            code = 404 if resource is not None else 500
            raise _RefusedError(code, missing_text(binding, self.resource))
        if missing := self._missing(role.rules):
            self._forbid(missing)

    def _missing(self, rules: Sequence[Rule]) -> str:
        """Return the text about what the user does not hold of these rules, "" where all is covered."""
        held, lost = self.world.rbac.rules_for(self.user, self.namespace)
        missing = uncovered(held, rules)
        if not missing:
            return ""
        lines = sorted({compact_text(rule) for rule in compact(missing)}, key=str.encode)
        text = (
            f"user {quote(self.user.name)} (groups={quote_list(self.user.groups)}) is attempting to grant RBAC "
            "permissions not currently held:\n" + "\n".join(lines)
        )
        if lost:
            errors = aggregate(missing_text(binding, self.resource) for binding in lost)
            text += f"; resolution errors: [{errors}]"
        return text

    def _forbid(self, reason: str) -> None:
        # Not escaped for HTML, unlike plain refusals (specs b10).
        named = f" {quote(self.name)}" if self.name else ""
        raise _RefusedError(403, f"{self.resource}.{GROUP}{named} is forbidden: {reason}")

    def _conflict(self, old: dict[str, Any]) -> None:
        mine, theirs = ((holder.get("metadata") or {}).get("resourceVersion") for holder in (self.raw, old))
        if mine and theirs and mine != theirs:
            raise _RefusedError(
                409,
                f"Operation cannot be fulfilled on {self.resource}.{GROUP} {quote(self.name)}: the object has "
                "been modified; please apply your changes to the latest version and try again",
            )

    def _validate(self, old: dict[str, Any] | None) -> None:
        if errors := object_errors(self.kind, self.raw, old):
            raise _RefusedError(422, invalid_message(self.kind, self.name, errors))


def defaulted(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with the API groups that v1 defaults (rbac/v1/defaults.go)."""
    made = copy.deepcopy(raw)
    reference = made.get("roleRef")
    if isinstance(reference, dict):
        made["roleRef"] = {
            "apiGroup": reference.get("apiGroup") or GROUP,
            "kind": reference.get("kind") or "",
            "name": reference.get("name") or "",
        }
    subjects = made.get("subjects")
    for subject in subjects if isinstance(subjects, list) else ():
        if (
            isinstance(subject, dict)
            and not subject.get("apiGroup")
            and subject.get("kind") in ("User", "Group")
        ):
            subject["apiGroup"] = GROUP
    return made


def _stored(held: Role | Binding | None) -> dict[str, Any] | None:
    """Return the stored object; a default of the server's own has no document, so it is written from its values."""
    if held is None:
        return None
    if held.raw is not None:
        stored = defaulted(held.raw)
        if isinstance(held, Role) and held.selectors:
            stored["rules"] = [_rule_json(rule) for rule in held.rules]
        return stored
    metadata: dict[str, Any] = {"name": held.name}
    if held.namespace:
        metadata["namespace"] = held.namespace
    if isinstance(held, Binding):
        reference = {"apiGroup": held.role_group, "kind": held.role_kind, "name": held.role_name}
        return {"kind": held.kind, "metadata": metadata, "roleRef": reference}
    stored = {"kind": held.kind, "metadata": {**metadata, "labels": held.labels}}
    stored["rules"] = [_rule_json(rule) for rule in held.rules]
    if held.selectors:
        stored["aggregationRule"] = {
            "clusterRoleSelectors": [{"matchLabels": dict(each.labels)} for each in held.selectors]
        }
    return stored


def _rule_json(rule: Rule) -> dict[str, Any]:
    parts = {
        "verbs": rule.verbs,
        "apiGroups": rule.groups,
        "resources": rule.resources,
        "resourceNames": rule.names,
        "nonResourceURLs": rule.urls,
    }
    return {key: list(values) for key, values in parts.items() if values}


def _aggregates(raw: dict[str, Any]) -> bool:
    rule = raw.get("aggregationRule")
    return isinstance(rule, dict) and bool(rule.get("clusterRoleSelectors"))


def only_garbage_changes(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Tell whether nothing but ownerReferences, finalizers and managedFields differs (IsOnlyMutatingGCFields).

    Empty and absent are the same (Semantic.DeepEqual).
    """
    return bool(_bare(new) == _bare(old))


def _bare(raw: dict[str, Any]) -> Any:
    metadata = raw.get("metadata")
    kept = {key: value for key, value in raw.items() if key not in ("apiVersion", "kind")}
    if isinstance(metadata, dict):
        kept["metadata"] = {key: value for key, value in metadata.items() if key not in _GARBAGE}
    return _pruned(kept)


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        pruned = {key: _pruned(each) for key, each in value.items()}
        return {key: each for key, each in pruned.items() if each not in (None, "", [], {})}
    if isinstance(value, list):
        return [_pruned(each) for each in value]
    return value
