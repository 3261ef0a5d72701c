"""`seawall decide admission`: an AdmissionReview in, the API server's answer out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from seawall.core.errors import InputError, NotBuiltError, UsageError
from seawall.policy.admission.matching import matches
from seawall.policy.admission.podsecurity import PodSecurity
from seawall.policy.admission.rbac import Rbac
from seawall.policy.admission.request import Denied, Request
from seawall.policy.admission.selectors import SelectorError
from seawall.policy.admission.validating import ValidatingPolicies
from seawall.policy.admission.validation import validate
from seawall.policy.admission.world import ADMISSION_GROUP, World, name_of

if TYPE_CHECKING:
    from seawall.core.engine import EngineOptions

Json = dict[str, Any]


class AdmissionEngine:
    """Pod Security, then validating policies, over one world."""

    def __init__(self, minor: int) -> None:
        self.minor = minor
        self.load({"objects": []})

    @classmethod
    def of(cls, options: EngineOptions) -> AdmissionEngine:
        """Read the version of Kubernetes to answer as. Raises UsageError."""
        match = re.fullmatch(r"v?1\.([0-9]{1,3})(?:\.[0-9]+)?", options.kubernetes_version, re.ASCII)
        if match is None:
            raise UsageError(
                f"{options.kubernetes_version!r} is no version of Kubernetes", hint="give it as 1.34"
            )
        return cls(int(match[1]))

    def load(self, world: Json) -> Json:
        """Replace the world: compile its policies once."""
        objects = world["objects"]
        try:
            made = World(objects)
            # The registry of a server ends at the last version that changed a check, or at its own.
            pod_security = PodSecurity(made, self.minor)
            validating = ValidatingPolicies(made, self.minor, Rbac(made))
        except (AttributeError, TypeError) as error:
            raise InputError(f"an object of the world is not of the API's shape: {error}") from None
        self.world, self.pod_security, self.validating = made, pod_security, validating
        return {"objects": len(objects)}

    def answer(self, line: Json) -> Json:
        """Answer one AdmissionReview."""
        request = Request(line)
        self._refuse_mutations(request)
        response: Json = {"uid": request.uid, "allowed": True}
        try:
            self.pod_security.admit(request)
            self.validating.admit(request)
            validate(request, self.minor)
        except Denied as denied:
            response["allowed"] = False
            response["status"] = denied.status
        except (AttributeError, TypeError) as error:
            raise InputError(f"the request is not of the API's shape: {error}") from None
        if request.warnings:
            response["warnings"] = request.warnings
        if request.annotations:
            response["auditAnnotations"] = request.annotations
        return {
            "apiVersion": line.get("apiVersion", "admission.k8s.io/v1"),
            "kind": line.get("kind", "AdmissionReview"),
            "response": response,
        }

    def _refuse_mutations(self, request: Request) -> None:
        """Say that a mutation is not built, where one would run: an answer without it would be wrong."""
        if request.object is None or request.operation == "DELETE":
            return
        policies = {name_of(raw): raw for raw in self.world.kind(ADMISSION_GROUP, "MutatingAdmissionPolicy")}
        for binding in self.world.kind(ADMISSION_GROUP, "MutatingAdmissionPolicyBinding"):
            spec = binding.get("spec") or {}
            policy = policies.get(str(spec.get("policyName")))
            if policy is None:
                continue
            try:
                run = matches(
                    self.world, request, (policy.get("spec") or {}).get("matchConstraints")
                ) and matches(self.world, request, spec.get("matchResources"))
            except SelectorError:
                run = True
            if run:
                raise NotBuiltError(
                    f"the mutating policy {name_of(policy)!r} matches, and mutations are not built in this version"
                )
