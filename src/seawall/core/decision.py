"""A decision: a verdict and the rules that led to it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.core.location import Location  # noqa: TC001 - msgspec reads the annotation


class Verdict(StrEnum):
    """What an engine says; `unknown` always comes with a reason that says what is missing."""

    ALLOW = "allow"
    DENY = "deny"
    NO_OPINION = "no-opinion"
    UNKNOWN = "unknown"


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule that took part in a decision.

    `kind`, `namespace` and `name` name the object that holds the rule; `index` is the rule's place in it.
    """

    message: str
    kind: str = ""
    namespace: str = ""
    name: str = ""
    index: int | None = None
    location: Location | None = None


class Decision(msgspec.Struct, frozen=True):
    """A verdict with its reasons, the deciding one first."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        """True only for `allow`: no opinion and unknown do not open anything."""
        return self.verdict is Verdict.ALLOW
