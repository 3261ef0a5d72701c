"""MutatingAdmissionPolicy (apiserver pkg/admission/plugin/policy/mutating/dispatcher.go, read at v0.34.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.cel import CelError, functions_of
from seawall.cel.parser import parse
from seawall.cel.tree import ListLit, MapLit, Node, StructLit, children
from seawall.policy.admission.compiled import CompiledPolicy
from seawall.policy.admission.equivalent import converted, no_way_back, own, settled
from seawall.policy.admission.expressions import BUDGET, Evaluation, Expression, Lazy, OutOfBudgetError
from seawall.policy.admission.inputs import ConfigurationError, activation, collect_params, conditions_met
from seawall.policy.admission.matching import matches
from seawall.policy.admission.patches import Kind, MutationError, apply_configuration, json_patch
from seawall.policy.admission.request import Denied
from seawall.policy.admission.selectors import SelectorError
from seawall.policy.admission.world import World, bound_policies, name_of, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.cel.library.authz import Authorize
    from seawall.policy.admission.equivalent import Matched
    from seawall.policy.admission.request import Request

Json = dict[str, Any]
_FORMS = {
    "ApplyConfiguration": ("applyConfiguration", ("Object",)),
    "JSONPatch": ("jsonPatch", ("list(JSONPatch)",)),
}


class Mutation(NamedTuple):
    """One mutation of a policy; `unfit` says that a literal in it can be no part of an object."""

    expression: Expression
    is_patch: bool
    unfit: bool


class Policy(CompiledPolicy):
    """A compiled policy with its bindings and mutations."""

    def __init__(self, raw: Json, bindings: list[Json], minor: int) -> None:
        super().__init__(raw, bindings, minor)
        spec, scope = self.spec, self.scope
        self.reinvoked = spec.get("reinvocationPolicy") == "IfNeeded"
        self.mutations: list[Mutation] = []
        for item in spec.get("mutations") or ():
            field, returns = _FORMS.get(str(item.get("patchType")), ("", ()))
            if field and item.get(field):
                expression = scope.compile(str(item[field].get("expression")), returns, patches=True)
                unfit = expression.program is not None and _is_unfit(expression.source, minor)
                self.mutations.append(Mutation(expression, field == "jsonPatch", unfit))


class Invocation(NamedTuple):
    """A policy that runs with one param of one binding."""

    policy: Policy
    binding: Json
    param: Json | None
    matched: Matched

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from the others when policies run again."""
        param = self.param or {}
        return self.policy.name, name_of(self.binding), namespace_of(param), name_of(param)


class Failure(NamedTuple):
    """What went wrong with a policy, and the reason of the status."""

    policy: Policy
    binding: Json | None
    message: str
    reason: str


class MutatingPolicies:
    """All mutating policies of a world, compiled; changes requests."""

    def __init__(self, world: World, minor: int, authorize: Authorize) -> None:
        self.minor = minor
        self.world = world
        self.authorize = authorize
        self.policies = [
            Policy(raw, bindings, minor) for raw, bindings in bound_policies(world, "MutatingAdmissionPolicy")
        ]

    def admit(self, request: Request) -> None:
        """Change the object of a request by all policies, and once more by those that want it. Raises Denied."""
        if not self.policies:
            return
        again: set[tuple[str, str, str, str]] = set()
        ran = self._pass(request, None, again)
        if ran and again:
            self._pass(request, again, set())

    def _pass(
        self,
        request: Request,
        only: set[tuple[str, str, str, str]] | None,
        again: set[tuple[str, str, str, str]],
    ) -> bool:
        """Run the policies that match (in a second pass only some); return whether any mutation ran."""
        failures: list[Failure] = []
        invocations = list(self._invocations(request, failures))
        if invocations:
            self._require_namespace(request)
        versions = _Versions(self.world, request, [each.matched for each in invocations])
        ran = False
        for invocation in invocations:
            ran |= self._invoke(request, invocation, only, again, failures, versions)
        versions.store(request)
        for failure in failures:
            if failure.policy.fails:
                texts = [_worded(one) for one in failures if one.policy.fails]
                causes = [{"message": text} for text in texts]
                raise Denied(403, failure.reason, texts[0], causes)
        return ran

    def _invocations(self, request: Request, failures: list[Failure]) -> Iterator[Invocation]:
        for policy in self.policies:
            try:
                matched = matches(self.world, request, policy.rules)
                if matched is None:
                    continue
            except SelectorError as error:
                failures.append(Failure(policy, None, f"failed to configure policy: {error}", "Forbidden"))
                continue
            for binding in policy.bindings:
                spec: Json = binding.get("spec") or {}
                try:
                    if not matches(self.world, request, spec.get("matchResources")):
                        continue
                    params = collect_params(
                        self.world, policy.param_kind, spec.get("paramRef"), request.namespace
                    )
                except (SelectorError, ConfigurationError) as error:
                    text = f"failed to configure binding: {error}"
                    failures.append(Failure(policy, binding, text, "Forbidden"))
                    continue
                for param in params:
                    yield Invocation(policy, binding, param, matched)

    def _require_namespace(self, request: Request) -> None:
        kind = request.kind
        is_namespace = kind.get("kind") == "Namespace" and not kind.get("group")
        name = "" if is_namespace else request.namespace
        if name and name not in self.world.namespaces:
            raise Denied(404, "NotFound", f'namespaces "{name}" not found')

    def _invoke(
        self,
        request: Request,
        invocation: Invocation,
        only: set[tuple[str, str, str, str]] | None,
        again: set[tuple[str, str, str, str]],
        failures: list[Failure],
        versions: _Versions,
    ) -> bool:
        policy = invocation.policy

        def fail(message: str) -> None:
            failures.append(Failure(policy, invocation.binding, message, "Invalid"))

        if policy.conditions:
            values = self._values(request, invocation, versions)
            met, error = conditions_met(policy.conditions, policy.variables, values)
            if error:
                fail(error)
            if not met:
                return False
        if only is not None and invocation.key not in only:
            return False
        ran = False
        for mutation in policy.mutations:
            versions.last = invocation.matched
            if versions.objects[invocation.matched] is None or request.operation == "DELETE":
                continue
            try:
                found = self._mutate(request, invocation, mutation, versions)
                versions.objects[invocation.matched] = found
                versions.changed.add(invocation.matched)
                ran = True
            except (MutationError, OutOfBudgetError) as stopped:
                fail(str(stopped))
        if policy.reinvoked:
            again.add(invocation.key)
        return ran

    def _mutate(
        self, request: Request, invocation: Invocation, mutation: Mutation, versions: _Versions
    ) -> Json:
        matched = invocation.matched
        scope = self._values(request, invocation, versions)
        live: Json = scope["object"]
        scope["variables"] = Lazy(invocation.policy.variables, scope)
        result = Evaluation(scope, BUDGET).run(mutation.expression)
        if result.error:
            raise MutationError(result.error)
        kind = Kind(self.world, matched.group, matched.version, matched.kind)
        if mutation.is_patch:
            if mutation.unfit:
                raise MutationError(
                    "JSONPath valueExpression evaluated to a type that could not marshal to JSON"
                )
            found = json_patch(kind, live, result.value, self.minor)
        elif mutation.unfit:
            raise MutationError(
                "error applying patch: failed to convert patch object to typed object: nested map"
            )
        else:
            found = apply_configuration(kind, live, result.value)
        if kind.schema is None and matched != versions.own:
            raise MutationError(no_way_back(matched, versions.own))
        return found

    def _values(self, request: Request, invocation: Invocation, versions: _Versions) -> Json:
        values = activation(self.world, request, self.authorize, invocation.matched)
        return values | {"params": invocation.param, "object": versions.objects[invocation.matched]}


class _Versions:
    """The object of a request in each version that policies of one pass see.

    Each is converted once, before any policy runs: a policy of another version does not see what those before it
    changed, and of several only the version that was worked on last goes into the request (the server's
    `dispatchInvocations`).
    """

    def __init__(self, world: World, request: Request, wanted: list[Matched]) -> None:
        self.world = world
        self.own = own(request)
        given = None if request.operation == "DELETE" else request.object
        self.objects = {each: converted(world, self.own, each, given) for each in wanted}
        self.changed: set[Matched] = set()
        self.last: Matched | None = None

    def store(self, request: Request) -> None:
        """Write the last version back into the request, where it was changed."""
        if self.last is not None and self.last in self.changed:
            found = converted(self.world, self.last, self.own, self.objects[self.last])
            request.object = None if found is None else settled(self.own, found)


def _worded(failure: Failure) -> str:
    if failure.binding is None:
        return f'policy "{failure.policy.name}" denied request: {failure.message}'
    bound = f"policy '{failure.policy.name}' with binding '{name_of(failure.binding)}'"
    return f"{bound} denied request: {failure.message}"


def _is_unfit(source: str, minor: int) -> bool:
    """Whether an `Object{}` holds a list or map literal within another one.

    The server turns a field's list or map into plain values, but not what lies in it (cel/mutation/dynamic
    `convertField`): such a map is of a type that neither merge nor JSON takes.
    """
    try:
        tree = parse(source, functions_of(minor, patches=True).macros)
    except CelError:
        return False
    return _nested(tree)


def _nested(node: Node) -> bool:
    if isinstance(node, StructLit):
        if node.name.startswith("Object") and any(_holds_literal(value) for _, value, _ in node.entries):
            return True
        return any(_nested(value) for _, value, _ in node.entries)
    return any(_nested(child) for child in children(node))


def _holds_literal(node: Node) -> bool:
    if isinstance(node, ListLit):
        return any(isinstance(item, (ListLit, MapLit)) for item in node.items)
    return isinstance(node, MapLit) and any(isinstance(v, (ListLit, MapLit)) for _, v, _ in node.entries)


__all__ = ["MutatingPolicies"]
