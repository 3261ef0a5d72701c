"""The API server's plain refusals (apiserver pkg/endpoints/handlers/responsewriters/errors.go, 1.34)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.access.text import escape_html, quote

if TYPE_CHECKING:
    from seawall.access.attributes import Attributes


def forbidden_message(asked: Attributes, reason: str) -> str:
    """Return the Status message of a 403; the reason is joined as it is, the rest escaped for HTML."""
    text = escape_html(_cannot(asked))
    if reason:
        text = f"{text}: {reason}"
    group, resource = asked.group, asked.resource
    if not group and not resource:
        return f"forbidden: {text}"
    # GroupResource.String: an empty group is left out, an empty resource leaves ".group".
    qualified = f"{resource}.{group}" if group else resource
    named = f" {quote(asked.name)}" if asked.name else ""
    return f"{qualified}{named} is forbidden: {text}"


def _cannot(asked: Attributes) -> str:
    user = quote(asked.user.name)
    if not asked.is_resource:
        return f"User {user} cannot {asked.verb} path {quote(asked.path)}"
    what = f"cannot {asked.verb} resource {quote(asked.combined)} in API group {quote(asked.group)}"
    where = f"in the namespace {quote(asked.namespace)}" if asked.namespace else "at the cluster scope"
    return f"User {user} {what} {where}"
