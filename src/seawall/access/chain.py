"""The authorizer chain: system:masters, Node, RBAC (specs b5). The first that allows or denies decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seawall.access.attributes import MASTERS, Attributes
from seawall.access.node import authorize_node
from seawall.access.rbac.index import Match, allowed_reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seawall.access.world import AccessWorld


class Step(msgspec.Struct, frozen=True):
    """One authorizer's word: `allow`, `deny` or `no-opinion`, its reason, and the rule or role assignment behind it."""

    authorizer: str
    decision: str
    reason: str = ""
    match: Match | None = None
    assignment: str = ""
    """The id of the role or deny assignment of Azure that decided."""

    def as_json(self) -> dict[str, Any]:
        """Write it for the trail."""
        written: dict[str, Any] = {"authorizer": self.authorizer, "decision": self.decision}
        if self.reason:
            written["reason"] = self.reason
        if self.match is not None:
            binding, role, index = self.match
            written["binding"] = _named(binding.kind, binding.namespace, binding.name)
            written["role"] = _named(role.kind, role.namespace, role.name)
            written["rule"] = index
        if self.assignment:
            written["assignment"] = self.assignment
        return written


def _named(kind: str, namespace: str, name: str) -> dict[str, str]:
    named = {"kind": kind, "name": name}
    if namespace:
        named["namespace"] = namespace
    return named


class AccessDecision(msgspec.Struct, frozen=True):
    """What the chain says: allowed, denied, or neither, with the API server's reason and each step."""

    allowed: bool
    denied: bool = False
    reason: str = ""
    error: str = ""
    trail: tuple[Step, ...] = ()


PRIVILEGED = AccessDecision(True, trail=(Step("system:masters", "allow"),))
"""The answer to who is in system:masters."""


def authorize(world: AccessWorld, asked: Attributes) -> AccessDecision:
    """Decide a request as kube-apiserver with `--authorization-mode=Node,RBAC` does."""
    # Not a part of RBAC: an authorizer of its own before the chain, with an empty reason (specs b1.8).
    if MASTERS in asked.user.groups:
        return PRIVILEGED
    steps = []
    node = node_step(world, asked)
    if node is not None:
        steps.append(node)
        if node.decision == "allow":
            return AccessDecision(True, reason=node.reason, trail=tuple(steps))
    rbac = rbac_step(world, asked)
    steps.append(rbac)
    if rbac.decision == "allow":
        return AccessDecision(True, reason=rbac.reason, trail=tuple(steps))
    return AccessDecision(False, reason=join_reasons(steps), trail=tuple(steps))


def node_step(world: AccessWorld, asked: Attributes) -> Step | None:
    """Ask the node authorizer; None where the user is no node, so that it has nothing to say."""
    if not asked.user.name.startswith("system:node:"):
        return None
    allowed, reason = authorize_node(world.nodes, asked)
    return Step("Node", "allow" if allowed else "no-opinion", reason)


def rbac_step(world: AccessWorld, asked: Attributes) -> Step:
    """Ask RBAC."""
    match = world.rbac.find(asked)
    if match is not None:
        return Step("RBAC", "allow", allowed_reason(match, asked.user), match)
    return Step("RBAC", "no-opinion", world.rbac.missing_reason(asked.user, asked.namespace))


def join_reasons(steps: Iterable[Step]) -> str:
    """Join what those without an opinion said, as the union authorizer does."""
    return "\n".join(step.reason for step in steps if step.reason)


def is_allowed(world: AccessWorld, asked: Attributes) -> bool:
    """Tell only whether a request is allowed: the quick way, without reasons."""
    if MASTERS in asked.user.groups:
        return True
    if asked.user.name.startswith("system:node:") and authorize_node(world.nodes, asked)[0]:
        return True
    return world.rbac.find(asked) is not None
