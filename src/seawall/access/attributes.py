"""What is asked: the attributes of one request, as the API server's authorizers see them (specs b1.1)."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.access.selectors import FieldRequirement, LabelRequirement, field_selector, label_selector
from seawall.core.errors import InputError

MASTERS = "system:masters"


class User(msgspec.Struct, frozen=True):
    """A subject of a request: name, groups, uid and extra, as an authenticator gives them."""

    name: str = ""
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def extra_value(self, key: str) -> tuple[str, ...]:
        """Return the values of one extra key, none where it is absent."""
        return next((values for name, values in self.extra if name == key), ())


class Attributes(msgspec.Struct, frozen=True):
    """One request. `path` counts only where `is_resource` is false, the resource fields only where it is true."""

    user: User
    verb: str = ""
    namespace: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    path: str = ""
    is_resource: bool = True
    field_requirements: tuple[FieldRequirement, ...] = ()
    label_requirements: tuple[LabelRequirement, ...] = ()
    selector_errors: tuple[str, ...] = ()

    @property
    def combined(self) -> str:
        """`pods` or `pods/log`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def text_of(holder: dict[str, Any], key: str, where: str) -> str:
    """Read an optional string.

    Raises:
        InputError: it is there and not a string.
    """
    value = holder.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{where}.{key} is not a string")
    return value


def texts_of(holder: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Read an optional list of strings.

    Raises:
        InputError: it is there and something else.
    """
    value = holder.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{where}.{key} is not a list of strings")
    return tuple(value)


def mapping_of(holder: dict[str, Any], key: str, where: str) -> dict[str, Any] | None:
    """Read an optional object.

    Raises:
        InputError: it is there and something else.
    """
    value = holder.get(key)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InputError(f"{where}.{key} is not an object")
    return value


def user_info(value: Any, where: str, name: str = "username") -> User:
    """Read a UserInfo (`username`, `groups`, `uid`, `extra`) or a review's spec (`user` for the name).

    Raises:
        InputError: a field has another type.
    """
    if not isinstance(value, dict):
        raise InputError(f"{where} is not an object")
    extra = mapping_of(value, "extra", where) or {}
    return User(
        text_of(value, name, where),
        texts_of(value, "groups", where),
        text_of(value, "uid", where),
        tuple((key, texts_of(extra, key, f"{where}.extra")) for key in sorted(extra)),
    )


def review_attributes(spec: Any, *, anybody: bool = False) -> Attributes:
    """Read the spec of a SubjectAccessReview v1, validated as the API server validates it.

    `anybody` takes a spec without user and groups too: an audit policy may be asked about nobody.

    Raises:
        InputError: the spec is invalid; the message is the API server's.
    """
    if not isinstance(spec, dict):
        raise InputError("the SubjectAccessReview has no spec", hint='write {"spec": {"user": ...}}')
    user = user_info(spec, "spec", "user")
    resource = mapping_of(spec, "resourceAttributes", "spec")
    other = mapping_of(spec, "nonResourceAttributes", "spec")
    if resource is not None and other is not None:
        raise InputError(
            "spec.nonResourceAttributes: cannot be specified in combination with resourceAttributes"
        )
    if not (user.name or user.groups or anybody):
        raise InputError('spec.user: Invalid value: "": at least one of user or group must be specified')
    if other is not None:
        where = "spec.nonResourceAttributes"
        return Attributes(
            user, text_of(other, "verb", where), path=text_of(other, "path", where), is_resource=False
        )
    if resource is None:
        raise InputError(
            "spec.resourceAttributes: exactly one of nonResourceAttributes or resourceAttributes "
            "must be specified"
        )
    where = "spec.resourceAttributes"
    fields, field_error = field_selector(
        mapping_of(resource, "fieldSelector", where), f"{where}.fieldSelector"
    )
    labels, label_error = label_selector(
        mapping_of(resource, "labelSelector", where), f"{where}.labelSelector"
    )
    return Attributes(
        user,
        text_of(resource, "verb", where),
        text_of(resource, "namespace", where),
        text_of(resource, "group", where),
        # An empty version means every version (pkg/registry/authorization/util: matchAllVersionIfEmpty).
        text_of(resource, "version", where) or "*",
        text_of(resource, "resource", where),
        text_of(resource, "subresource", where),
        text_of(resource, "name", where),
        field_requirements=fields,
        label_requirements=labels,
        selector_errors=tuple(error for error in (field_error, label_error) if error),
    )


def review_spec(asked: Attributes) -> dict[str, Any]:
    """Write attributes as the spec that the API server sends to an authorization webhook (specs b5)."""
    spec: dict[str, Any] = {}
    if asked.is_resource:
        attributes: dict[str, Any] = {
            key: value
            for key, value in (
                ("namespace", asked.namespace),
                ("verb", asked.verb),
                ("group", asked.group),
                ("version", asked.version),
                ("resource", asked.resource),
                ("subresource", asked.subresource),
                ("name", asked.name),
            )
            if value
        }
        if asked.field_requirements:
            attributes["fieldSelector"] = {
                "requirements": [each.as_json() for each in asked.field_requirements]
            }
        # Gt and Lt are left out: requirements narrow, so without them more is asked for (webhook.go).
        labels = [each.as_json() for each in asked.label_requirements if each.operator not in ("Gt", "Lt")]
        if labels:
            attributes["labelSelector"] = {"requirements": labels}
        spec["resourceAttributes"] = attributes
    else:
        spec["nonResourceAttributes"] = {
            key: value for key, value in (("path", asked.path), ("verb", asked.verb)) if value
        }
    if asked.user.name:
        spec["user"] = asked.user.name
    if asked.user.groups:
        spec["groups"] = list(asked.user.groups)
    if asked.user.extra:
        spec["extra"] = {key: list(values) for key, values in asked.user.extra}
    if asked.user.uid:
        spec["uid"] = asked.user.uid
    return spec
