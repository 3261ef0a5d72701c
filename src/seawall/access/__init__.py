"""Who may do what, and why."""

from seawall.access.attributes import Attributes, User, review_attributes
from seawall.access.chain import AccessDecision, authorize, is_allowed
from seawall.access.world import AccessWorld, build_world

__all__ = [
    "AccessDecision",
    "AccessWorld",
    "Attributes",
    "User",
    "authorize",
    "build_world",
    "is_allowed",
    "review_attributes",
]
