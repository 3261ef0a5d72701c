"""Acting as somebody else: the legacy verb of 1.34, and constrained impersonation (KEP-5284, gate of 1.35).

Sources: apiserver 1.34 pkg/endpoints/filters/impersonation.go; 1.35 pkg/endpoints/filters/impersonation/; specs b3,
b10. The real server tries the mode that worked last for a requestor first; here the order is always the written
one, so where two ways exist the constraint may differ from that of a server with a history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from seawall.access.attributes import Attributes, User
from seawall.access.chain import authorize
from seawall.access.impersonation_modes import ImpersonationRefusedError, wanted_user_go
from seawall.access.impersonation_modes import impersonate_constrained as by_modes
from seawall.access.names import service_account_groups, split_service_account

if TYPE_CHECKING:
    from seawall.access.world import AccessWorld

AUTHENTICATION = "authentication.k8s.io"
ANONYMOUS = "system:anonymous"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"


class Wanted(msgspec.Struct, frozen=True):
    """What the Impersonate-* headers ask for."""

    name: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def any(self) -> bool:
        """True where any header is there."""
        return bool(self.name or self.uid or self.groups or self.extra)


class HeaderError(Exception):
    """Headers without Impersonate-User: 500 with the legacy filter, 400 with the gate of the constrained one."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_headers(headers: list[tuple[str, str]]) -> Wanted:
    """Read the headers; of a doubled user or uid the first counts, groups and extra values add up."""
    user, uid = "", ""
    seen: set[str] = set()
    groups: list[str] = []
    extra: dict[str, list[str]] = {}
    for name, value in headers:
        lowered = name.lower()
        if lowered == "impersonate-group":
            groups.append(value)
        elif lowered.startswith("impersonate-extra-"):
            # Lower-cased, then percent-decoded (unescapeExtraKey; a broken escape is kept as it is).
            key = _decoded(lowered.removeprefix("impersonate-extra-"))
            extra.setdefault(key, []).append(value)
        elif lowered in ("impersonate-user", "impersonate-uid") and lowered not in seen:
            seen.add(lowered)
            if lowered == "impersonate-user":
                user = value
            else:
                uid = value
    return Wanted(user, uid, tuple(groups), tuple((key, tuple(values)) for key, values in extra.items()))


def _decoded(key: str) -> str:
    for index, char in enumerate(key):
        if char == "%" and not _hex(key[index + 1 : index + 3]):
            return key
    return unquote(key, errors="replace")


def _hex(text: str) -> bool:
    return len(text) == 2 and all(char in "0123456789abcdefABCDEF" for char in text)


def impersonate(world: AccessWorld, asked: Attributes, wanted: Wanted) -> tuple[User, str]:
    """Return the user that the request runs as, and the constraint that let it ("" for the legacy verb).

    Raises:
        HeaderError: no user is named.
        ImpersonationRefusedError: a check was refused; it carries its attributes and reason.
    """
    constrained = world.gates.get("ConstrainedImpersonation", False)
    if not wanted.name:
        if constrained:
            raise HeaderError(400, f"requested {wanted_user_go(wanted)} without impersonating a user name")
        raise HeaderError(500, f"requested [{_references(wanted)}] without impersonating a user")
    if constrained:
        return by_modes(world, asked, wanted)
    return _legacy(world, asked.user, wanted), ""


def _references(wanted: Wanted) -> str:
    """Write the headers as Go prints a list of ObjectReference."""
    shown = [f"{{Group  {group}    }}" for group in wanted.groups]
    shown += [
        f"{{UserExtra  {value}  {AUTHENTICATION}/v1  {key}}}"
        for key, values in wanted.extra
        for value in values
    ]
    if wanted.uid:
        shown.append(f"{{UID  {wanted.uid}  {AUTHENTICATION}/v1  }}")
    return " ".join(shown)


def _legacy(world: AccessWorld, requestor: User, wanted: Wanted) -> User:
    """Check user, groups, extra, uid in this order (1.34)."""
    groups = list(wanted.groups)
    account = split_service_account(wanted.name)
    if account is not None:
        _check(world, requestor, "serviceaccounts", account[1], namespace=account[0])
        if not wanted.groups:
            groups = list(service_account_groups(account[0]))
    else:
        _check(world, requestor, "users", wanted.name)
    for group in wanted.groups:
        _check(world, requestor, "groups", group)
    for key, values in wanted.extra:
        for value in values:
            _check(world, requestor, "userextras", value, AUTHENTICATION, "v1", key)
    if wanted.uid:
        _check(world, requestor, "uids", wanted.uid, AUTHENTICATION, "v1")
    if wanted.name == ANONYMOUS:
        if UNAUTHENTICATED not in groups:
            groups.append(UNAUTHENTICATED)
    elif AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups.append(AUTHENTICATED)
    return User(wanted.name, tuple(groups), wanted.uid, wanted.extra)


def _check(
    world: AccessWorld,
    requestor: User,
    resource: str,
    name: str,
    group: str = "",
    version: str = "",
    subresource: str = "",
    namespace: str = "",
) -> None:
    asked = Attributes(requestor, "impersonate", namespace, group, version, resource, subresource, name)
    decision = authorize(world, asked)
    if not decision.allowed:
        raise ImpersonationRefusedError(asked, decision.reason)


__all__ = [
    "HeaderError",
    "ImpersonationRefusedError",
    "Wanted",
    "impersonate",
    "read_headers",
]
