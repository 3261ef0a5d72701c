"""Who is in which Entra group, by way of groups too (Microsoft Graph: transitiveMemberOf)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Directory:
    """Members of groups by object id, in lower case; groups in groups are followed, circles end."""

    def __init__(self, members: Iterable[tuple[str, Iterable[str]]] = ()) -> None:
        """`members`: pairs of a group and who is directly in it."""
        self._above: dict[str, set[str]] = {}
        self._below: dict[str, set[str]] = {}
        for group, inside in members:
            for each in inside:
                self._above.setdefault(each.lower(), set()).add(group.lower())
                self._below.setdefault(group.lower(), set()).add(each.lower())

    def groups_of(self, principal: str) -> frozenset[str]:
        """Return every group that a principal is in."""
        return _closure(self._above, principal.lower())

    def members_of(self, group: str) -> frozenset[str]:
        """Return everybody in a group: principals and groups."""
        return _closure(self._below, group.lower())


def _closure(edges: dict[str, set[str]], start: str) -> frozenset[str]:
    found: set[str] = set()
    queue = [start]
    while queue:
        for each in edges.get(queue.pop(), ()):
            if each not in found and each != start:
                found.add(each)
                queue.append(each)
    return frozenset(found)


def read_directory(given: Any) -> Directory:
    """Read groups with their members as Graph lists them: `{"value": [{"id", "members": [{"id"}]}]}`, or that list.

    Raises:
        InputError: it is something else.
    """
    groups = given.get("value") if isinstance(given, dict) else given
    if not isinstance(groups, list):
        raise InputError(
            "the groups are no list", hint="give the answer of GET /v1.0/groups?$expand=members($select=id)"
        )
    pairs = []
    for index, group in enumerate(groups):
        members = group.get("members", []) if isinstance(group, dict) else None
        if not isinstance(members, list) or not isinstance(group.get("id"), str):
            raise InputError(f"groups[{index}] has no id or no list of members")
        inside = [each.get("id") if isinstance(each, dict) else each for each in members]
        if not all(isinstance(each, str) for each in inside):
            raise InputError(f"groups[{index}].members holds something without an id")
        pairs.append((str(group["id"]), [str(each) for each in inside]))
    return Directory(pairs)
