"""The PodSecurity admission plugin (k8s.io/pod-security-admission admission/admission.go, read at v0.34.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.core.errors import InputError
from seawall.policy.admission.request import Denied
from seawall.policy.admission.world import name_of, namespace_of
from seawall.policy.podsecurity.levels import (
    DEFAULT,
    LATEST,
    Policy,
    Standard,
    parse_version,
    policy_of,
    stricter,
)
from seawall.policy.podsecurity.pod import Pod, reduced, template_of
from seawall.policy.podsecurity.registry import describe, judge
from seawall.policy.podsecurity.words import go_quote

if TYPE_CHECKING:
    from seawall.policy.admission.request import Request
    from seawall.policy.admission.world import World

Json = dict[str, Any]
PREFIX = "pod-security.kubernetes.io/"
IGNORED = frozenset({"exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"})
MAX_PODS = 3000
_CONTROLLERS = {
    ("", "replicationcontrollers"), ("", "podtemplates"), ("apps", "replicasets"), ("apps", "deployments"),
    ("apps", "statefulsets"), ("apps", "daemonsets"), ("batch", "jobs"), ("batch", "cronjobs"),
}  # fmt: skip


class PodSecurity:
    """The plugin with its configuration; `newest` is the newest minor version that the server knows."""

    def __init__(self, world: World, newest: int) -> None:
        self.world = world
        self.newest = newest
        found = world.kind("pod-security.admission.config.k8s.io", "PodSecurityConfiguration")
        configuration = found[-1] if found else {}
        exempt = configuration.get("exemptions") or {}
        self.users = frozenset(exempt.get("usernames") or ())
        self.namespaces = frozenset(exempt.get("namespaces") or ())
        self.classes = frozenset(exempt.get("runtimeClasses") or ())
        self.defaults = _defaults(configuration.get("defaults") or {})
        self._policies: dict[str, tuple[Policy, list[str]]] = {}

    def admit(self, request: Request) -> None:
        """Judge a request; adds warnings and audit annotations to it. Raises Denied."""
        if request.operation not in {"CREATE", "UPDATE"}:
            return
        where = (request.group, request.plural)
        if where == ("", "namespaces"):
            self._namespace(request)
        elif where == ("", "pods"):
            self._pod(request)
        elif where in _CONTROLLERS and not request.subresource:
            self._controller(request)

    # ---- pods and controllers ----

    def _exempt(self, request: Request) -> bool:
        if request.namespace in self.namespaces:
            request.annotate(PREFIX + "exempt", "namespace")
            return True
        if request.user.get("username") in self.users:
            request.annotate(PREFIX + "exempt", "user")
            return True
        return False

    def _policy(self, namespace: str) -> tuple[Policy, list[str]] | None:
        known = self._policies.get(namespace)
        if known is None:
            found = self.world.namespaces.get(namespace)
            if found is None:
                return None
            known = policy_of((found.get("metadata") or {}).get("labels"), self.defaults)
            self._policies[namespace] = known  # a world does not change
        return known

    def _pod(self, request: Request) -> None:
        if request.subresource in IGNORED or self._exempt(request):
            return
        found = self._policy(request.namespace)
        if found is None:
            text = f"Internal error occurred: failed to lookup namespace {go_quote(request.namespace)}"
            request.annotate(PREFIX + "error", f'{text}: namespace "{request.namespace}" not found')
            raise Denied(500, "InternalError", text)
        policy, errors = found
        if not errors and policy.fully_privileged:
            request.annotate(PREFIX + "enforce-policy", "privileged:latest")
            return
        pod = request.object
        if pod is None:
            raise Denied(400, "BadRequest", "failed to decode object")
        if request.operation == "UPDATE" and request.old and not _significant(pod, request.old):
            return
        self._evaluate(request, policy, errors, pod, enforce=True)

    def _controller(self, request: Request) -> None:
        if self._exempt(request):
            return
        found = self._policy(request.namespace)
        if found is None:
            quoted = go_quote(request.namespace)
            request.annotate(
                PREFIX + "error", f"failed to lookup namespace {quoted}: namespaces {quoted} not found"
            )
            return
        policy, errors = found
        if not errors and policy.warn.level == policy.audit.level == "privileged":
            return
        template = template_of(request.object or {"kind": "Pod"})
        if template is not None and request.object is not None:
            self._evaluate(request, policy, errors, template, enforce=False)

    def _evaluate(
        self, request: Request, policy: Policy, errors: list[str], template: Json, *, enforce: bool
    ) -> None:
        spec = template.get("spec") or {}
        if spec.get("runtimeClassName") in self.classes:
            request.annotate(PREFIX + "exempt", "runtimeClass")
            return
        try:
            pod = reduced(template.get("metadata") or {}, spec)
            enforced = self._words(pod, policy.enforce) if enforce else ""
            # Modes that ask for the same are judged once (the reference caches results within a request).
            known = {policy.enforce: enforced} if enforce else {}
            for standard in (policy.audit, policy.warn):
                if standard not in known:
                    known[standard] = self._words(pod, standard)
            audited, warned = known[policy.audit], known[policy.warn]
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(f"the pod is not of the API's shape: {error}") from None
        if errors:
            request.annotate(PREFIX + "error", f"Failed to parse policy: {aggregate(errors)}")
        if enforce:
            request.annotate(PREFIX + "enforce-policy", str(policy.enforce))
        if audited:
            request.annotate(
                PREFIX + "audit-violations", f'would violate PodSecurity "{policy.audit}": {audited}'
            )
        if enforced:
            text = f'violates PodSecurity "{policy.enforce}": {enforced}'
            raise Denied(403, "Forbidden", request.forbidden(text))
        if warned:
            request.warnings.append(f'would violate PodSecurity "{policy.warn}": {warned}')

    def _found(self, pod: Pod, standard: Standard) -> list[Any]:
        version = self.newest if standard.version == LATEST else min(standard.version, self.newest)
        return judge(pod, standard.level, version)

    def _words(self, pod: Pod, standard: Standard) -> str:
        return describe(self._found(pod, standard))

    # ---- namespaces ----

    def _namespace(self, request: Request) -> None:
        if request.subresource or request.object is None:
            return
        name = name_of(request.object) or request.name
        labels = (request.object.get("metadata") or {}).get("labels") or {}
        policy, errors = policy_of(labels, self.defaults)
        old: Policy | None = None
        if request.operation == "UPDATE":
            old, old_errors = policy_of(
                ((request.old or {}).get("metadata") or {}).get("labels"), self.defaults
            )
            if old_errors == errors:
                errors = []
        if errors:
            causes = [
                {
                    "reason": "FieldValueInvalid",
                    "message": e.partition(": ")[2],
                    "field": e.partition(": ")[0],
                }
                for e in errors
            ]
            raise Denied(
                422, "Invalid", f'Namespace "{request.name}" is invalid: {aggregate(errors)}', causes
            )
        exempt = (request.namespace or name) in self.namespaces
        if old is not None:
            if policy.enforce == old.enforce or policy.enforce.level == "privileged":
                return
            if policy.enforce.version == old.enforce.version and not stricter(
                policy.enforce.level, old.enforce.level
            ):
                return
        if exempt:
            self._exempt_warning(request, name, policy, labels)
        elif old is not None:
            request.warnings.extend(self._existing(name, policy.enforce))

    def _exempt_warning(self, request: Request, name: str, policy: Policy, labels: Json) -> None:
        if policy.fully_privileged or policy.equivalent(self.defaults):
            return
        shown = ", ".join(
            f"{mode}={standard}"
            for mode, standard in zip(("enforce", "audit", "warn"), policy, strict=True)
            if standard.level != "privileged"
            and (PREFIX + mode in labels or f"{PREFIX}{mode}-version" in labels)
        )
        request.warnings.append(
            f"namespace {go_quote(name)} is exempt from Pod Security, and the policy ({shown}) will be ignored"
        )

    def _existing(self, namespace: str, enforce: Standard) -> list[str]:
        first: list[Json] = []
        later: list[Json] = []
        seen: set[str] = set()
        for pod in self.world.kind("", "Pod"):
            if (
                namespace_of(pod) != namespace
                or (pod.get("spec") or {}).get("runtimeClassName") in self.classes
            ):
                continue
            owners = (pod.get("metadata") or {}).get("ownerReferences") or ()
            owner = next((str(o.get("uid") or "") for o in owners if o.get("controller")), None)
            (later if owner is not None and owner in seen else first).append(pod)
            if owner is not None:
                seen.add(owner)
        pods = first + later
        names: dict[str, list[str]] = {}
        for pod in pods[:MAX_PODS]:
            found = self._found(Pod(pod.get("metadata") or {}, pod.get("spec") or {}), enforce)
            if found:
                names.setdefault(", ".join([v.reason for v in found]), []).append(name_of(pod))
        warnings = []
        if len(pods) > MAX_PODS:
            warnings.append(
                f"new PodSecurity enforce level only checked against the first {MAX_PODS} of {len(pods)} existing pods"
            )
        if names:
            warnings.append(
                f'existing pods in namespace {go_quote(namespace)} violate the new PodSecurity enforce level "{enforce}"'
            )
        return warnings + sorted(_counted(min(group), len(group)) + reason for reason, group in names.items())


def _counted(name: str, count: int) -> str:
    if count == 1:
        return f"{name}: "
    return f"{name} (and {count - 1} other pod{'s' if count > 2 else ''}): "


def aggregate(errors: list[str]) -> str:
    """Join errors as apimachinery's Aggregate does: one alone, several in brackets, no text twice."""
    unique = list(dict.fromkeys(errors))
    return unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"


def _significant(pod: Json, old: Json) -> bool:
    new_spec, old_spec = pod.get("spec") or {}, old.get("spec") or {}
    for field in ("containers", "initContainers"):
        now, before = new_spec.get(field) or [], old_spec.get(field) or []
        if len(now) != len(before) or any(
            a.get("image") != b.get("image") for a, b in zip(now, before, strict=True)
        ):
            return True
    images = {c.get("name"): c.get("image") for c in old_spec.get("ephemeralContainers") or ()}
    return any(
        c.get("name") not in images or images[c.get("name")] != c.get("image")
        for c in new_spec.get("ephemeralContainers") or ()
    )


def _defaults(given: Json) -> Policy:
    found = []
    for mode, fallback in zip(("enforce", "audit", "warn"), DEFAULT, strict=True):
        level = given.get(mode, fallback.level)
        version = parse_version(given.get(f"{mode}-version", "latest"))
        if level not in {"privileged", "baseline", "restricted"} or version is None:
            raise InputError(f"PodSecurityConfiguration: defaults.{mode} is not a level with a version")
        found.append(Standard(level, version))
    return Policy(*found)
