"""The authorizer behind CEL's `authorizer`: the access chapter's chain of system:masters, Node and RBAC.

What a check sends is that of apiserver `pkg/cel/library/authz.go` (read at v0.34.4): version `*`, and a
selector that does not parse is left out.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from seawall.access import AccessWorld, Attributes, authorize, build_world
from seawall.access import User as Asking
from seawall.access.selectors import SelectorError, parse_fields, parse_labels
from seawall.cel.library.authz import Decision, User

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Json = dict[str, Any]


class Authorizing:
    """Answers access questions over the objects of a world; these are indexed when one is first asked."""

    def __init__(self, objects: Sequence[Json]) -> None:
        self._objects = objects

    @functools.cached_property
    def world(self) -> AccessWorld:
        """What the chain decides over."""
        return build_world(self._objects)

    def __call__(self, user: User, asked: Json) -> Decision:
        """Decide one question; keys are those of CEL's builder, plus `verb`."""
        extra = user.extra if isinstance(user.extra, dict) else {}
        who = Asking(
            user.name,
            user.groups,
            user.uid,
            tuple((key, tuple(map(str, extra[key] or ()))) for key in sorted(extra)),
        )
        if "path" in asked:
            question = Attributes(who, asked["verb"], path=asked["path"], is_resource=False)
        else:
            question = Attributes(
                who,
                asked["verb"],
                asked.get("namespace", ""),
                asked.get("group", ""),
                "*",
                asked.get("resource", ""),
                asked.get("subresource", ""),
                asked.get("name", ""),
                field_requirements=_parsed(parse_fields, asked.get("fieldSelector", "")),
                label_requirements=_parsed(parse_labels, asked.get("labelSelector", "")),
            )
        found = authorize(self.world, question)
        return Decision(allowed=found.allowed, reason=found.reason, error=found.error)


def _parsed(parse: Callable[[str], tuple[Any, ...]], text: str) -> tuple[Any, ...]:
    try:
        return parse(text) if text else ()
    except SelectorError:
        return ()


__all__ = ["Authorizing"]
