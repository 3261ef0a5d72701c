"""One rule against one request, word for word as kubernetes does it (rbac/v1/evaluation_helpers.go; specs b1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seawall.access.attributes import Attributes
    from seawall.access.rbac.model import Rule


def url_matches(pattern: str, path: str) -> bool:
    """Tell whether a nonResourceURL matches: `*`, equal, or a prefix before all its trailing stars."""
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))


def resource_matches(resources: tuple[str, ...] | frozenset[str], combined: str, subresource: str) -> bool:
    """Tell whether `pods/log` is named: `*`, itself, or `*/log`. `pods/*` is no pattern."""
    return "*" in resources or combined in resources or bool(subresource and f"*/{subresource}" in resources)


def rule_allows(rule: Rule, asked: Attributes) -> bool:
    """Tell whether the rule allows the request."""
    if "*" not in rule.verbs and asked.verb not in rule.verbs:
        return False
    if not asked.is_resource:
        return any(url_matches(url, asked.path) for url in rule.urls)
    return (
        ("*" in rule.groups or asked.group in rule.groups)
        and resource_matches(rule.resources, asked.combined, asked.subresource)
        and (not rule.names or asked.name in rule.names)
    )
