"""`seawall decide admission`: an AdmissionReview in, the API server's answer out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from seawall.core.errors import InputError, NotBuiltError, UsageError
from seawall.policy.admission.podsecurity import PodSecurity
from seawall.policy.admission.rbac import Rbac
from seawall.policy.admission.request import Denied, Request
from seawall.policy.admission.validating import ValidatingPolicies
from seawall.policy.admission.world import ADMISSION_GROUP, World

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
        self.world = World(objects)
        # The registry of a server ends at the last version that changed a check, or at its own.
        self.pod_security = PodSecurity(self.world, self.minor)
        self.validating = ValidatingPolicies(self.world, self.minor, Rbac(self.world))
        return {"objects": len(objects)}

    def answer(self, line: Json) -> Json:
        """Answer one AdmissionReview."""
        request = Request(line)
        if self.world.kind(ADMISSION_GROUP, "MutatingAdmissionPolicyBinding"):
            raise NotBuiltError("mutating admission policies are not built in this version")
        response: Json = {"uid": request.uid, "allowed": True}
        try:
            self.pod_security.admit(request)
            self.validating.admit(request)
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
