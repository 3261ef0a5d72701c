"""`seawall policy check`: are these policies ones that the API server takes, and what do they say of these objects?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.core.engine import EngineOptions
from seawall.core.errors import SeawallError
from seawall.policy.admission.engine import AdmissionEngine
from seawall.policy.admission.expressions import Scope
from seawall.policy.admission.request import Denied, Request
from seawall.policy.admission.typed import builtin, custom
from seawall.policy.admission.validation import validate
from seawall.policy.admission.world import ADMISSION_GROUP, World, name_of, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from seawall.policy.admission.typed import Reference

Json = dict[str, Any]
PLURALS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "MutatingAdmissionPolicy": "mutatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybindings",
}
MAX_TYPES = 10  # maxTypesToCheck of the API server's own type checking
_IRREGULAR = {"Endpoints": "endpoints"}


class Problem(NamedTuple):
    """What is wrong with a policy or binding: the field, and why. A `warning` does not keep the server from it."""

    kind: str
    name: str
    field: str
    message: str
    warning: bool = False


class Judgement(NamedTuple):
    """What the policies say of creating one object; `costs` in CEL's units by policy."""

    kind: str
    namespace: str
    name: str
    allowed: bool
    message: str
    warnings: tuple[str, ...]
    changed: bool
    costs: dict[str, int]


class Checked(NamedTuple):
    """The whole answer; `unread` are objects that could not be judged.

    `assumed` are namespaces that are not among the files: taken as there, with no labels of their own.
    """

    policies: int
    problems: tuple[Problem, ...]
    judged: tuple[Judgement, ...]
    unread: tuple[str, ...]
    assumed: tuple[str, ...]


def check_policies(
    objects: Sequence[Json], *, version: str = "1.34", user: str = "system:admin", groups: Sequence[str] = ()
) -> Checked:
    """Validate policies and bindings, check their types, and judge the other objects as if they were created.

    Args:
        objects: policies, bindings, params, Namespaces, CRDs, RBAC, and what is to be judged.
        version: of Kubernetes.
        user: who creates.
        groups: of that user.

    Raises:
        UsageError: `version` is none.
    """
    engine = AdmissionEngine.of(EngineOptions(kubernetes_version=version))
    world = World(list(objects))
    policies = [obj for kind in PLURALS for obj in world.kind(ADMISSION_GROUP, kind)]
    problems = [problem for obj in policies for problem in _faults(obj, engine.minor)]
    refused = {(problem.kind, problem.name) for problem in problems}
    problems += _loose(world)
    for kind in ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"):
        for obj in world.kind(ADMISSION_GROUP, kind):
            if (kind, name_of(obj)) not in refused:
                problems += _types(world, obj, engine.minor)
    # What the server would not take is in no world of its.
    taken = [obj for obj in objects if (obj.get("kind"), name_of(obj)) not in refused or obj not in policies]
    assumed = sorted(_namespaces(world, objects) - world.namespaces.keys())
    taken += [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in assumed]
    engine.load({"objects": [_named(obj) for obj in taken]})
    judged: list[Judgement] = []
    unread: list[str] = []
    for obj in objects:
        if obj.get("kind") in PLURALS or not obj.get("kind"):
            continue
        try:
            judged.append(_judge(engine, world, obj, user, groups))
        except SeawallError as error:
            unread.append(f"{obj.get('kind')}/{name_of(obj)}: {error.message}")
    return Checked(len(policies), tuple(problems), tuple(judged), tuple(unread), tuple(assumed))


def _namespaces(world: World, objects: Sequence[Json]) -> set[str]:
    """Return the namespaces that objects are in."""
    found = set()
    for obj in objects:
        group = str(obj.get("apiVersion") or "").rpartition("/")[0]
        if obj.get("kind") and not world.is_cluster_scoped(group, str(obj["kind"])):
            found.add(namespace_of(obj) or "default")
    return found


def _named(obj: Json) -> Json:
    """Return an object as the server keeps it: each Namespace has a label with its name."""
    if obj.get("kind") != "Namespace" or obj.get("apiVersion") != "v1":
        return obj
    metadata = obj.get("metadata") or {}
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": name_of(obj)}
    return obj | {"metadata": metadata | {"labels": labels}}


def _faults(obj: Json, minor: int) -> Iterator[Problem]:
    kind = str(obj["kind"])
    api = str(obj.get("apiVersion") or "")
    group = {"group": ADMISSION_GROUP, "version": api.rpartition("/")[2]}
    request = Request(
        {
            "request": {
                "operation": "CREATE",
                "name": name_of(obj),
                "object": _with_defaults(obj),
                "kind": group | {"kind": kind},
                "resource": group | {"resource": PLURALS[kind]},
            }
        }
    )
    try:
        validate(request, minor)
    except Denied as denied:
        for cause in denied.status["details"]["causes"]:
            yield Problem(kind, name_of(obj), cause["field"], cause["message"])
    except (AttributeError, TypeError) as error:
        yield Problem(kind, name_of(obj), "spec", f"not of the API's shape: {error}")


def _with_defaults(obj: Json) -> Json:
    """Return a policy with what the server fills in before it validates."""
    spec = obj.get("spec")
    if not isinstance(spec, dict) or str(obj["kind"]).endswith("Binding"):
        return obj
    return obj | {"spec": {"failurePolicy": "Fail", **spec}}


def _loose(world: World) -> Iterator[Problem]:
    """Yield what is in force nowhere, or points at nothing: legal, and hardly meant."""
    for sort in ("Validating", "Mutating"):
        kind = f"{sort}AdmissionPolicy"
        names = {name_of(obj) for obj in world.kind(ADMISSION_GROUP, kind)}
        bound: set[str] = set()
        for obj in world.kind(ADMISSION_GROUP, f"{kind}Binding"):
            spec = obj.get("spec")
            policy = str(spec.get("policyName") or "") if isinstance(spec, dict) else ""
            bound.add(policy)
            if policy and policy not in names:
                text = f"there is no {kind} {policy!r} among these files"
                yield Problem(f"{kind}Binding", name_of(obj), "spec.policyName", text, warning=True)
        for name in sorted(names - bound):
            yield Problem(kind, name, "metadata.name", "no binding puts it into force", warning=True)


def _types(world: World, obj: Json, minor: int) -> Iterator[Problem]:
    """Check a policy's expressions against the types of the kinds it matches (the server only warns)."""
    spec: Json = obj.get("spec") or {}
    kinds = _kinds_of(world, spec.get("matchConstraints") or {})
    seen: set[tuple[str, str]] = set()
    for shown, reference in kinds[:MAX_TYPES]:
        scope = Scope(minor, params=spec.get("paramKind") is not None, subject=reference)
        for field, expression in _expressions(spec):
            if field.startswith("spec.variables"):
                index = int(field.partition("[")[2].partition("]")[0])
                error = scope.variable(str(spec["variables"][index].get("name")), expression).error
            else:
                error = scope.compile(expression, patches=field.startswith("spec.mutations")).error
            if error and (field, error) not in seen:
                seen.add((field, error))
                yield Problem(str(obj["kind"]), name_of(obj), field, f"for {shown}: {error}", warning=True)


def _expressions(spec: Json) -> Iterator[tuple[str, str]]:
    for part, names in (
        ("variables", ("expression",)),
        ("matchConditions", ("expression",)),
        ("validations", ("expression", "messageExpression")),
        ("auditAnnotations", ("valueExpression",)),
    ):
        for index, item in enumerate(spec.get(part) or ()):
            for name in names:
                if item.get(name):
                    yield f"spec.{part}[{index}].{name}", str(item[name])
    for index, item in enumerate(spec.get("mutations") or ()):
        for name in ("applyConfiguration", "jsonPatch"):
            if item.get(name):
                yield f"spec.mutations[{index}].{name}.expression", str(item[name].get("expression"))


def _kinds_of(world: World, rules: Json) -> list[tuple[str, Reference]]:
    """Return the kinds that rules name without a wildcard, with their types."""
    found: dict[str, Reference] = {}
    customs = {
        (spec.get("group"), (spec.get("names") or {}).get("plural")): crd
        for crd in world.kind("apiextensions.k8s.io", "CustomResourceDefinition")
        if isinstance(spec := crd.get("spec"), dict)
    }
    for rule in rules.get("resourceRules") or ():
        for group in rule.get("apiGroups") or ():
            for version in rule.get("apiVersions") or ():
                for plural in rule.get("resources") or ():
                    crd = customs.get((group, plural))
                    made = custom(crd, version) if crd is not None else None
                    if made is not None:
                        found[f"{group}/{version} {plural}"] = made[0]
                    elif (kind := _KIND_OF.get(plural)) and (reference := builtin(group, version, kind)):
                        found[f"{group or 'core'}/{version} {kind}"] = reference
    return list(found.items())


def plural_of(world: World, group: str, kind: str) -> str:
    """Return the resource of a kind, as its CRD or English says."""
    for crd in world.kind("apiextensions.k8s.io", "CustomResourceDefinition"):
        spec = crd.get("spec") or {}
        names = spec.get("names") or {}
        if spec.get("group") == group and names.get("kind") == kind and names.get("plural"):
            return str(names["plural"])
    return _plural(kind)


def _plural(kind: str) -> str:
    if kind in _IRREGULAR:
        return _IRREGULAR[kind]
    lower = kind.lower()
    if lower.endswith("s"):
        return f"{lower}es"
    return f"{lower[:-1]}ies" if lower.endswith("y") and lower[-2:-1] not in "aeiou" else f"{lower}s"


def _builtin_kinds() -> Iterable[str]:
    from seawall.policy.admission.typed.model import kinds  # noqa: PLC0415 - the table is read when it is needed

    return kinds()


class _Kinds:
    """Plural -> kind of what the API server has itself."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def get(self, plural: str) -> str | None:
        """Return the kind of a resource."""
        if not self._known:
            self._known = {_plural(kind): kind for kind in _builtin_kinds()}
        return self._known.get(plural)


_KIND_OF = _Kinds()


def _judge(engine: AdmissionEngine, world: World, obj: Json, user: str, groups: Sequence[str]) -> Judgement:
    group, _, version = str(obj.get("apiVersion") or "").rpartition("/")
    kind = str(obj["kind"])
    cluster = world.is_cluster_scoped(group, kind)
    namespace = "" if cluster else namespace_of(obj) or "default"
    if kind == "Namespace" and not group:
        namespace = name_of(obj)  # the request for a Namespace is in it
    about = {"group": group, "version": version}
    line = {
        "request": {
            "uid": "",
            "operation": "CREATE",
            "name": name_of(obj),
            "namespace": namespace,
            "kind": about | {"kind": kind},
            "resource": about | {"resource": plural_of(world, group, kind)},
            "userInfo": {"username": user, "groups": list(groups)},
            "object": obj,
        }
    }
    request = Request(line)
    response = engine.judge(request, line)["response"]
    message = str((response.get("status") or {}).get("message") or "")
    warnings = tuple(response.get("warnings") or ())
    changed = "patch" in response
    allowed = bool(response["allowed"])
    return Judgement(
        kind, namespace_of(obj), name_of(obj), allowed, message, warnings, changed, request.costs
    )


__all__ = ["Checked", "Judgement", "Problem", "check_policies", "plural_of"]
