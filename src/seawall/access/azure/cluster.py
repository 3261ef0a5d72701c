"""Kubernetes RBAC and Azure RBAC in one answer, as AKS combines them: RBAC first, then Azure (specs b7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from seawall.access.azure.actions import PROVIDER, DataAction, Operations, is_uuid, map_request
from seawall.access.azure.directory import Directory
from seawall.access.chain import AccessDecision, Step, authorize
from seawall.core.decision import Verdict

if TYPE_CHECKING:
    from seawall.access.attributes import Attributes
    from seawall.access.azure.roles import AzureAccess
    from seawall.access.world import AccessWorld

FLEET = "Microsoft.ContainerService/fleets"


class AzureCluster(msgspec.Struct, frozen=True):
    """An AKS cluster with Azure RBAC for Kubernetes: its resource id, maybe its fleet, guard's flags, Entra's groups."""

    id: str
    access: AzureAccess
    operations: Operations = msgspec.field(default_factory=Operations)
    custom_resources: bool = False
    subresources: bool = False
    fleet: str = ""
    directory: Directory = msgspec.field(default_factory=Directory)

    def principals(self, asked: Attributes) -> frozenset[str]:
        """Return whom assignments may name: the user, the groups sent along, and those of the directory."""
        oids = asked.user.extra_value("oid")
        sent = [each.lower() for each in (*oids, *filter(is_uuid, asked.user.groups))]
        return frozenset(sent).union(*(self.directory.groups_of(each) for each in sent))

    def authorize(self, asked: Attributes) -> Step:
        """Ask Azure: the cluster's scope first, then the managed namespace, then the fleet; any allow wins."""
        return self._ask(asked)[0]

    def opinion(self, asked: Attributes) -> Step:
        """Ask as one authorizer among others: without an assignment Azure has no opinion, only a denial denies.

        guard says Denied in both cases, which hides every authorizer behind it (specs, traps 7).
        """
        step, denial = self._ask(asked)
        if step.decision == "deny" and not denial:
            return Step(step.authorizer, "no-opinion", step.reason)
        return step

    def _ask(self, asked: Attributes) -> tuple[Step, bool]:
        """Return Azure's word, and whether a deny assignment refuses (at the first place: it holds for all)."""
        reasons = []
        unknown = ""
        denial = ""
        for provider, base, managed in self._places(asked):
            mapping = map_request(
                asked,
                self.operations,
                provider,
                custom_resources=self.custom_resources,
                subresources=self.subresources,
            )
            if mapping.decision == "no-opinion":
                return Step("Azure", "no-opinion", "the user is none of Entra's"), False
            if mapping.decision == "allow":
                return Step("Azure", "allow", "discovery paths are open to every Entra user"), False
            if mapping.decision == "error":
                text = f"the authorizer answers with an error: {mapping.message}"
                return Step("Azure", "no-opinion", text), False
            scope = base + (mapping.scope.replace("/namespaces/", f"/{managed}/") if mapping.scope else "")
            principals = self.principals(asked)
            answers = [self.access.check(principals, action, scope) for action in mapping.actions]
            refused = next((each for each in answers if each.verdict is Verdict.DENY), None)
            doubtful = next((each for each in answers if each.verdict is Verdict.UNKNOWN), None)
            if refused is None and doubtful is None and answers:
                return Step("Azure", "allow", answers[0].reason, None, answers[0].assignment), False
            if refused is not None:
                reasons.append(refused.reason)
                denial = denial or refused.assignment
            elif doubtful is not None:
                unknown = unknown or doubtful.reason
        if unknown:
            return Step("Azure", "unknown", unknown), False
        return Step("Azure", "deny", "; ".join(dict.fromkeys(reasons)), None, denial), bool(denial)

    def namespace_of(self, scope: str) -> str:
        """Return the namespace of this cluster that a scope is, "" where it is none."""
        front = f"{self.id.lower().strip('/')}/"
        rest = scope.lower().strip("/")
        kind, _, name = rest.removeprefix(front).partition("/")
        held = rest.startswith(front) and kind in ("namespaces", "managednamespaces") and "/" not in name
        return name if held else ""

    def checks(self, asked: Attributes) -> list[tuple[DataAction, str]]:
        """Return every (data action, scope) that is checked for a request."""
        found = []
        for provider, base, managed in self._places(asked):
            mapping = map_request(
                asked,
                self.operations,
                provider,
                custom_resources=self.custom_resources,
                subresources=self.subresources,
            )
            scope = base + (mapping.scope.replace("/namespaces/", f"/{managed}/") if mapping.scope else "")
            found += [(action, scope) for action in mapping.actions]
        return found

    def _places(self, asked: Attributes) -> list[tuple[str, str, str]]:
        places = [(PROVIDER, self.id, "namespaces")]
        if asked.is_resource and asked.namespace:
            places.append((PROVIDER, self.id, "managedNamespaces"))
        if self.fleet:
            places.append((FLEET, self.fleet, "namespaces"))
            if asked.is_resource and asked.namespace:
                places.append((FLEET, self.fleet, "managedNamespaces"))
        return places


def authorize_cluster(world: AccessWorld, cluster: AzureCluster, asked: Attributes) -> AccessDecision:
    """Decide as AKS with Azure RBAC does: RBAC's allowance stands, else Azure's word."""
    local = authorize(world, asked)
    if local.allowed:
        return local
    step = cluster.authorize(asked)
    reason = "\n".join(each for each in (local.reason, step.reason) if each)
    return AccessDecision(
        step.decision == "allow",
        denied=step.decision == "deny",
        reason=step.reason if step.decision == "allow" else reason,
        error=step.reason if step.decision == "unknown" else "",
        trail=(*local.trail, step),
    )
