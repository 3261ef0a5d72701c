"""The modes of constrained impersonation (apiserver 1.35 pkg/endpoints/filters/impersonation/mode.go; specs b3).

Each mode needs BOTH `impersonate-on:MODE:VERB` on the real target and `impersonate:MODE` on the one impersonated.
The first mode that lets it through wins; else the refusal is that of the first mode that applied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from seawall.access.attributes import MASTERS, Attributes, User
from seawall.access.chain import authorize
from seawall.access.fields import domain_path_errors
from seawall.access.names import (
    NODE_PREFIX,
    is_subdomain,
    service_account_groups,
    split_service_account,
)
from seawall.access.text import aggregate, quote, quote_list

if TYPE_CHECKING:
    from seawall.access.world import AccessWorld

AUTHENTICATION = "authentication.k8s.io"
NODE_NAME_KEY = "authentication.kubernetes.io/node-name"
ASSOCIATED_KEYS = "authentication.kubernetes.io/associated-node-keys"
MANY = 4
"""From so many groups or extra values on, one check of `*` comes first."""


class WantedUser(Protocol):
    """What is asked for; see impersonation.Wanted."""

    @property
    def name(self) -> str: ...  # noqa: D102 - a field
    @property
    def uid(self) -> str: ...  # noqa: D102 - a field
    @property
    def groups(self) -> tuple[str, ...]: ...  # noqa: D102 - a field
    @property
    def extra(self) -> tuple[tuple[str, tuple[str, ...]], ...]: ...  # noqa: D102 - a field


class ImpersonationRefusedError(Exception):
    """A check of the impersonation was refused: what was asked, and the authorizer's reason.

    `last` is the last check that was made: of the last mode, where the first one's refusal is what is told.
    """

    def __init__(self, asked: Attributes, reason: str, last: Attributes | None = None) -> None:
        super().__init__(reason)
        self.asked = asked
        self.reason = reason
        self.last = last or asked


def wanted_user_go(wanted: WantedUser) -> str:
    """Write the wanted user as Go's %#v writes a *user.DefaultInfo."""
    groups = "[]string(nil)"
    if wanted.groups:
        groups = "[]string{" + ", ".join(quote(group) for group in wanted.groups) + "}"
    extra = "map[string][]string(nil)"
    if wanted.extra:
        shown = (
            f"{quote(key)}:[]string{{{', '.join(quote(value) for value in values)}}}"
            for key, values in sorted(wanted.extra)
        )
        extra = "map[string][]string{" + ", ".join(shown) + "}"
    return f"&user.DefaultInfo{{Name:{quote(wanted.name)}, UID:{quote(wanted.uid)}, Groups:{groups}, Extra:{extra}}}"


def impersonate_constrained(world: AccessWorld, asked: Attributes, wanted: WantedUser) -> tuple[User, str]:
    """Try the modes in order; return the effective user and the constraint.

    Raises:
        ImpersonationRefusedError: no mode let it through.
    """
    first: ImpersonationRefusedError | None = None
    for mode in _MODES:
        if not _applies(mode, wanted, asked.user):
            continue
        try:
            return _Mode(world, mode, asked, wanted).check()
        except ImpersonationRefusedError as error:
            first = ImpersonationRefusedError(
                *((first.asked, first.reason) if first else (error.asked, error.reason)), error.last
            )
    if first is None:  # the legacy mode always applies
        raise ImpersonationRefusedError(asked, "all impersonation modes failed")
    raise first


_MODES = ("associated-node", "arbitrary-node", "serviceaccount", "user-info", "")


def _applies(mode: str, wanted: WantedUser, requestor: User) -> bool:
    node, account = _node_name(wanted.name), split_service_account(wanted.name)
    only_name = not (wanted.uid or wanted.groups or wanted.extra)
    if mode == "associated-node":
        associated = requestor.extra_value(NODE_NAME_KEY)
        bound = split_service_account(requestor.name) is not None and associated == (node,)
        return only_name and node is not None and bound
    if mode == "arbitrary-node":
        return only_name and node is not None
    if mode == "serviceaccount":
        return only_name and account is not None
    if mode == "user-info":
        return node is None and account is None
    return True


def _node_name(user: str) -> str | None:
    name = user.removeprefix(NODE_PREFIX)
    return name if user.startswith(NODE_PREFIX) and is_subdomain(name) else None


class _Mode:
    """One mode asked about one request; an empty mode is the legacy verb."""

    def __init__(self, world: AccessWorld, mode: str, asked: Attributes, wanted: WantedUser) -> None:
        self.world, self.mode, self.asked, self.wanted = world, mode, asked, wanted
        self.constrained = bool(mode)
        self.verb = f"impersonate:{mode}" if mode else "impersonate"
        self.group = AUTHENTICATION if mode else ""
        self.requestor = asked.user
        if mode == "associated-node":
            # The answer must hold for every node: extra values are left out, keys are shown.
            keys = tuple(sorted(key for key, _ in asked.user.extra))
            self.requestor = User(
                asked.user.name, asked.user.groups, asked.user.uid, ((ASSOCIATED_KEYS, keys),)
            )

    def check(self) -> tuple[User, str]:
        if self.constrained:
            self._authorize(
                msgspec.structs.replace(
                    self.asked,
                    user=self.requestor,
                    verb=f"impersonate-on:{self.mode}:{self.asked.verb}",
                )
            )
        groups = self._username()
        if self.wanted.uid:
            self._authorize(self._attributes("uids", self.wanted.uid, AUTHENTICATION))
        self._groups()
        self._extra()
        name = self.wanted.name
        if name == "system:anonymous":
            if "system:unauthenticated" not in groups:
                groups.append("system:unauthenticated")
        elif "system:unauthenticated" not in groups and "system:authenticated" not in groups:
            groups.append("system:authenticated")
        effective = User(name, tuple(groups), self.wanted.uid, self.wanted.extra)
        return effective, self.verb if self.constrained else ""

    def _authorize(self, asked: Attributes) -> None:
        decision = authorize(self.world, asked)
        if not decision.allowed:
            raise ImpersonationRefusedError(asked, decision.reason)

    def _attributes(self, resource: str, name: str, group: str = "", subresource: str = "") -> Attributes:
        return Attributes(
            self.requestor, self.verb, "", group or self.group, "v1", resource, subresource, name
        )

    def _username(self) -> list[str]:
        wanted = self.wanted
        asked = self._attributes("users", wanted.name)
        groups = list(wanted.groups)
        node = _node_name(wanted.name) if self.constrained else None
        account = split_service_account(wanted.name)
        if node is not None:
            asked = self._attributes("nodes", "*" if self.mode == "associated-node" else node)
            groups = ["system:nodes"]
        if account is not None:
            asked = msgspec.structs.replace(
                asked, resource="serviceaccounts", namespace=account[0], name=account[1]
            )
            groups = groups or list(service_account_groups(account[0]))
        what = "a node" if node is not None else "a service account" if account is not None else ""
        if self.constrained and what and wanted.groups:
            reason = f"when impersonating {what}, cannot impersonate groups {quote_list(wanted.groups)}"
            raise ImpersonationRefusedError(asked, reason)
        self._authorize(asked)
        return groups

    def _groups(self) -> None:
        groups = self.wanted.groups
        if not groups:
            return
        if self.constrained:
            if "" in groups:
                reason = "impersonating the empty string group is not allowed"
                raise ImpersonationRefusedError(self._attributes("groups", ""), reason)
            if MASTERS in groups:
                reason = "impersonating the system:masters group is not allowed"
                raise ImpersonationRefusedError(self._attributes("groups", MASTERS), reason)
            if len(groups) >= MANY and authorize(self.world, self._attributes("groups", "*")).allowed:
                return
        for group in groups:
            self._authorize(self._attributes("groups", group))

    def _extra(self) -> None:
        extra = self.wanted.extra
        if not extra:
            return
        if self.constrained:
            if reason := _extra_error(extra):
                raise ImpersonationRefusedError(self._attributes("userextras", "", AUTHENTICATION), reason)
            if len(extra) >= MANY or sum(len(values) for _, values in extra) >= MANY:
                every = self._attributes("userextras", "*", AUTHENTICATION, "*")
                if authorize(self.world, every).allowed:
                    return
        for key, values in extra:
            for value in values:
                self._authorize(self._attributes("userextras", value, AUTHENTICATION, key))


def _extra_error(extra: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    """Return why extra keys or values are refused outright (validateExtra)."""
    for key, values in extra:
        if not key:
            return "impersonating the empty string key in extra is not allowed"
        if errors := domain_path_errors(key, "extra.key"):
            return f"impersonating an invalid key in extra is not allowed: {aggregate(errors)}"
        if key != key.lower():
            return f"impersonating a non-lowercase key in extra is not allowed: {quote(key)}"
        if not values:
            return "impersonating empty values in extra is not allowed"
        if "" in values:
            return "impersonating the empty string value in extra is not allowed"
    return ""
