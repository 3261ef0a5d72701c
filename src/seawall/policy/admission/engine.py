"""`seawall decide admission`: an AdmissionReview in, the API server's answer out."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core.errors import InputError, UsageError
from seawall.policy.admission.authorizing import Authorizing
from seawall.policy.admission.mutating import MutatingPolicies
from seawall.policy.admission.podsecurity import PodSecurity
from seawall.policy.admission.registries import AllowedRegistries
from seawall.policy.admission.request import Denied, Request
from seawall.policy.admission.typed import difference
from seawall.policy.admission.validating import ValidatingPolicies
from seawall.policy.admission.validation import validate
from seawall.policy.admission.world import World

if TYPE_CHECKING:
    from seawall.core.engine import EngineOptions

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class AdmissionEngine:
    """Mutating policies, Pod Security, allowed registries, validating policies, over one world.

    Allowed registries are Seawall's own and say nothing where no namespace has its annotation.
    """

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
            authorize = Authorizing(objects)
            mutating = MutatingPolicies(made, self.minor, authorize)
            validating = ValidatingPolicies(made, self.minor, authorize)
            registries = AllowedRegistries(made)
        except (AttributeError, TypeError) as error:
            raise InputError(f"an object of the world is not of the API's shape: {error}") from None
        self.world, self.pod_security = made, pod_security
        self.mutating, self.validating, self.registries = mutating, validating, registries
        return {"objects": len(objects)}

    def answer(self, line: Json) -> Json:
        """Answer one AdmissionReview.

        A line may say `"phase": "mutating"` or `"validating"`: then only that half of the chain runs, as a
        webhook registered for it would. A line of a webhook's decision log does.
        """
        return self.judge(Request(line), line)

    def judge(self, request: Request, line: Json) -> Json:
        """Answer a request that has been read; it keeps what the policies cost."""
        phase = line.get("phase")
        if phase not in {None, "mutating", "validating"}:
            raise InputError(f"`phase` is {phase!r}", hint="give mutating or validating, or leave it out")
        response: Json = {"uid": request.uid, "allowed": True}
        before = request.object
        try:
            if phase != "validating":
                self.mutating.admit(request)
            if phase != "mutating":
                self.pod_security.admit(request)
                self.registries.admit(request)
                self.validating.admit(request)
                validate(request, self.minor)
            if request.object is not before and (patch := difference(before, request.object)):
                response["patchType"] = "JSONPatch"
                response["patch"] = base64.b64encode(_encode(patch)).decode()
        except Denied as denied:
            response["allowed"] = False
            response["status"] = denied.status
        except (AttributeError, TypeError) as error:
            raise InputError(f"the request is not of the API's shape: {error}") from None
        if request.warnings:
            # The server writes no warning twice (endpoints/filters/warning.go).
            response["warnings"] = list(dict.fromkeys(request.warnings))
        if request.annotations:
            response["auditAnnotations"] = request.annotations
        return {
            "apiVersion": line.get("apiVersion", "admission.k8s.io/v1"),
            "kind": line.get("kind", "AdmissionReview"),
            "response": response,
        }
