"""What Kubernetes takes as a name, a label, a service account (apimachinery: util/validation), with its texts."""

from __future__ import annotations

import re
from typing import Final

SERVICE_ACCOUNT_PREFIX: Final = "system:serviceaccount:"
ALL_SERVICE_ACCOUNTS: Final = "system:serviceaccounts"
NODE_PREFIX: Final = "system:node:"

_LABEL_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_DNS_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"

_LABEL_NAME_RE = re.compile(_LABEL_NAME)
_DNS_LABEL_RE = re.compile(_DNS_LABEL)
_SUBDOMAIN_PARTS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")

NAME_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{_LABEL_NAME}')"
)
QUALIFIED_TEXT = (
    "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{_LABEL_NAME}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)
VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    f"validation is '({_LABEL_NAME})?')"
)
SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN}')"
)


def is_subdomain(text: str) -> bool:
    """Tell whether a text is an RFC 1123 subdomain of at most 253 characters."""
    return len(text) <= 253 and all(_SUBDOMAIN_PARTS.fullmatch(part) for part in text.split("."))


def is_dns_label(text: str) -> bool:
    """Tell whether a text is an RFC 1123 label of at most 63 characters, as namespaces are."""
    return len(text) <= 63 and _DNS_LABEL_RE.fullmatch(text) is not None


def subdomain_errors(text: str) -> list[str]:
    """Return what is wrong with a name that must be a subdomain (service accounts, nodes)."""
    errors = ["must be no more than 253 characters"] if len(text) > 253 else []
    if not all(_SUBDOMAIN_PARTS.fullmatch(part) for part in text.split(".")):
        errors.append(SUBDOMAIN_TEXT)
    return errors


def path_segment_errors(text: str) -> list[str]:
    """Return what is wrong with a name that becomes a part of a path (roles, bindings; metadata.name)."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{char}'" for char in "/%" if char in text]


def label_key_errors(key: str) -> list[str]:
    """Return what is wrong with a label's key: an optional prefix and a name (IsQualifiedName)."""
    prefix, slash, name = key.rpartition("/")
    errors = []
    if key.count("/") > 1:
        return [QUALIFIED_TEXT]
    if slash and not prefix:
        errors.append("prefix part must be non-empty")
    elif slash:
        errors += [f"prefix part {error}" for error in subdomain_errors(prefix)]
    if not name:
        errors.append("name part must be non-empty")
    elif len(name) > 63:
        errors.append("name part must be no more than 63 characters")
    if not _LABEL_NAME_RE.fullmatch(name):
        errors.append(NAME_TEXT)
    return errors


def label_value_errors(value: str) -> list[str]:
    """Return what is wrong with a label's value."""
    errors = ["must be no more than 63 characters"] if len(value) > 63 else []
    if value and not _LABEL_NAME_RE.fullmatch(value):
        errors.append(VALUE_TEXT)
    return errors


def service_account_user(namespace: str, name: str) -> str:
    """Return the user name of a service account."""
    return f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}"


def service_account_groups(namespace: str) -> tuple[str, ...]:
    """Return the groups that every service account of a namespace is in (serviceaccount: MakeGroupNames)."""
    return ALL_SERVICE_ACCOUNTS, f"{ALL_SERVICE_ACCOUNTS}:{namespace}"


def split_service_account(user: str) -> tuple[str, str] | None:
    """Split a user name into namespace and name, or None where it is no service account's (SplitUsername)."""
    if not user.startswith(SERVICE_ACCOUNT_PREFIX):
        return None
    namespace, colon, name = user[len(SERVICE_ACCOUNT_PREFIX) :].partition(":")
    if not colon or ":" in name or not is_dns_label(namespace) or not is_subdomain(name):
        return None
    return namespace, name


def node_of(user: str, groups: tuple[str, ...]) -> str | None:
    """Return the node's name for `system:node:X` in group `system:nodes` (maybe ""), else None."""
    if user.startswith(NODE_PREFIX) and "system:nodes" in groups:
        return user[len(NODE_PREFIX) :]
    return None
