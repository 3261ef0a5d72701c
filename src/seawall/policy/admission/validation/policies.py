"""Validation of admission policies and bindings themselves: the fields that the API server would refuse.

kubernetes pkg/apis/admissionregistration/validation, read at v1.34.4. New expressions see the libraries of
the version before the server's, so that a rolled-back server still reads them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from seawall.cel.lexer import RESERVED
from seawall.policy.admission.expressions import Scope
from seawall.policy.admission.request import Denied
from seawall.policy.admission.validation.faults import Faults
from seawall.policy.admission.validation.matching import changing, reference, resources
from seawall.policy.admission.validation.metadata import final_name, metadata, wrong
from seawall.policy.admission.world import ADMISSION_GROUP

if TYPE_CHECKING:
    from seawall.policy.admission.request import Request

Json = dict[str, Any]
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*", re.ASCII)
_WORDS = RESERVED | {"true", "false", "null", "in"}
_LINES = re.compile(r"[\n\r]")
_KINDS = {
    "validatingadmissionpolicies": "ValidatingAdmissionPolicy",
    "validatingadmissionpolicybindings": "ValidatingAdmissionPolicyBinding",
    "mutatingadmissionpolicies": "MutatingAdmissionPolicy",
    "mutatingadmissionpolicybindings": "MutatingAdmissionPolicyBinding",
}
_REASONS = frozenset({"Forbidden", "Invalid", "RequestEntityTooLarge"})
_ACTIONS = frozenset({"Deny", "Warn", "Audit"})
MAX_CONDITIONS = 64
MAX_ANNOTATIONS = 20
MAX_VALUE_EXPRESSION = 5 * 1024  # bytes


def validate(request: Request, minor: int) -> None:
    """Refuse a policy or binding that the API server would refuse. Raises Denied (422)."""
    kind = _KINDS.get(request.plural) if request.group == ADMISSION_GROUP else None
    if (
        kind is None
        or request.subresource
        or request.operation not in {"CREATE", "UPDATE"}
        or request.object is None
    ):
        return
    faults = Faults()
    spec: Json = request.object.get("spec") or {}
    meta: Json = request.object.get("metadata") or {}
    old: Json = (request.old or {}).get("spec") or {} if request.operation == "UPDATE" else {}
    metadata(meta, faults)
    if kind.endswith("Binding"):
        _binding(spec, faults, validating=kind.startswith("Validating"))
    else:
        policy = _Policy(spec, old, final_name(meta), faults, minor)
        policy.check(validating=kind.startswith("Validating"))
    if faults.found:
        texts = [f"{fault['field']}: {fault['message']}" for fault in faults.found]
        shown = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        message = f'{kind}.{ADMISSION_GROUP} "{request.name or meta.get("name") or ""}" is invalid: {shown}'
        raise Denied(422, "Invalid", message, faults.found)


def _expressions(spec: Json) -> dict[str, set[str]]:
    """Return the expressions of a stored policy by their field: they go on seeing all that the server has."""
    found: dict[str, set[str]] = {
        "conditions": {str(c.get("expression")) for c in spec.get("matchConditions") or ()}
    }
    validations = spec.get("validations") or ()
    found["validations"] = {str(item.get("expression")) for item in validations}
    found["messages"] = {str(item.get("messageExpression")) for item in validations}
    found["annotations"] = {str(item.get("valueExpression")) for item in spec.get("auditAnnotations") or ()}
    mutations = [item.get("applyConfiguration") or {} for item in spec.get("mutations") or ()]
    found["mutations"] = {str(item.get("expression")) for item in mutations}
    return found


class _Policy:
    """One policy under validation."""

    def __init__(self, spec: Json, old: Json, name: str, faults: Faults, minor: int) -> None:
        self.spec = spec
        self.old = old
        self.name = name
        self.faults = faults
        params = spec.get("paramKind") is not None
        self.new = Scope(minor - 1, params=params)
        self.stored = Scope(minor, params=params)
        self.known = _expressions(old)

    def check(self, *, validating: bool) -> None:
        spec, faults = self.spec, self.faults
        if spec.get("failurePolicy", "Fail") not in {"Fail", "Ignore"}:
            faults.add("spec.failurePolicy", "Fail, Ignore", "NotSupported")
        if spec.get("paramKind") is not None:
            _param_kind(spec["paramKind"], faults)
        rules = spec.get("matchConstraints")
        if rules is None:
            faults.add("spec.matchConstraints", "", "Required")
        else:
            resources(rules, "spec.matchConstraints", faults)
            if not rules.get("resourceRules"):
                faults.add("spec.matchConstraints.resourceRules", "", "Required")
        same = all(spec.get(key) == self.old.get(key) for key in ("paramKind", "matchConditions"))
        if not (self.old and same):
            self.conditions()
        self.variables()
        if validating:
            self.validations()
            self.annotations()
        else:
            changing(rules, "spec.matchConstraints", faults)
            self.mutations()

    def compile(
        self,
        known: str,
        text: Any,
        returns: tuple[str, ...],
        path: str,
        *,
        patches: bool = False,
        silent: bool = False,
    ) -> None:
        """Compile an expression; `known` names the field under which an old one may be stored."""
        if not str(text or "").strip():
            self.faults.add(path, "expression is not specified", "Required")
            return
        scope = self.stored if str(text) in self.known[known] else self.new
        if error := scope.compile(str(text), returns, patches=patches, silent=silent).error:
            self.faults.add(path, error)

    def conditions(self) -> None:
        conditions = self.spec.get("matchConditions") or ()
        if len(conditions) > MAX_CONDITIONS:
            self.faults.add("spec.matchConditions", f"must have at most {MAX_CONDITIONS} items", "TooMany")
        seen: set[str] = set()
        for index, condition in enumerate(conditions):
            path = f"spec.matchConditions[{index}]"
            self.compile("conditions", condition.get("expression"), ("bool",), f"{path}.expression")
            name = str(condition.get("name") or "")
            if not name:
                self.faults.add(f"{path}.name", "", "Required")
            elif why := wrong("qualifiedName", name):
                self.faults.add(f"{path}.name", why)
            if name and name in seen:
                self.faults.add(f"{path}.name", name, "Duplicate")
            seen.add(name)

    def variables(self) -> None:
        for index, variable in enumerate(self.spec.get("variables") or ()):
            path = f"spec.variables[{index}]"
            name, text = str(variable.get("name") or ""), str(variable.get("expression") or "")
            if not name.strip():
                self.faults.add(f"{path}.name", "name is not specified", "Required")
            elif not _IDENTIFIER.fullmatch(name) or name in _WORDS:
                self.faults.add(f"{path}.name", "must be a valid CEL identifier")
            if not text.strip():
                self.faults.add(f"{path}.expression", "expression is not specified", "Required")
                continue
            # The server looks for a stored variable among the stored validations.
            found = {scope: scope.variable(name, text) for scope in (self.new, self.stored)}
            error = found[self.stored if text in self.known["validations"] else self.new].error
            if error:
                self.faults.add(f"{path}.expression", error)

    def validations(self) -> None:
        validations = self.spec.get("validations") or ()
        if not validations and not self.spec.get("auditAnnotations"):
            for field in ("validations", "auditAnnotations"):
                text = "validations or auditAnnotations must contain at least one item"
                self.faults.add(f"spec.{field}", text, "Required")
        for index, item in enumerate(validations):
            path = f"spec.validations[{index}]"
            self.compile("validations", item.get("expression"), ("bool",), f"{path}.expression")
            text = str(item.get("messageExpression") or "")
            if text and not text.strip():
                self.faults.add(f"{path}.messageExpression", "must be non-empty if specified")
            elif text:
                self.compile("messages", text, ("string",), f"{path}.messageExpression", silent=True)
            message = str(item.get("message") or "")
            if message and not message.strip():
                self.faults.add(f"{path}.message", "must be non-empty if specified")
            elif _LINES.search(message.strip()):
                self.faults.add(f"{path}.message", "must not contain line breaks")
            if item.get("reason") is not None and item["reason"] not in _REASONS:
                self.faults.add(f"{path}.reason", "Forbidden, Invalid, RequestEntityTooLarge", "NotSupported")

    def annotations(self) -> None:
        annotations = self.spec.get("auditAnnotations") or ()
        if len(annotations) > MAX_ANNOTATIONS:
            self.faults.add(
                "spec.auditAnnotations", f"must not have more than {MAX_ANNOTATIONS} auditAnnotations"
            )
        seen: set[str] = set()
        for index, item in enumerate(annotations):
            path = f"spec.auditAnnotations[{index}]"
            key = str(item.get("key") or "")
            if not self.name:
                self.faults.add(f"{path}.key", "requires metadata.name be non-empty")
            elif why := wrong("qualifiedName", f"{self.name}/{key}"):
                self.faults.add(f"{path}.key", why)
            text = str(item.get("valueExpression") or "").strip()
            if len(text.encode()) > MAX_VALUE_EXPRESSION:
                why = f"must not exceed {MAX_VALUE_EXPRESSION} bytes in length"
                self.faults.add(f"{path}.valueExpression", why, "Required")
            else:
                returns = ("string", "null_type")
                self.compile("annotations", item.get("valueExpression"), returns, f"{path}.valueExpression")
            if key in seen:
                self.faults.add(f"{path}.key", key, "Duplicate")
            seen.add(key)

    def mutations(self) -> None:
        faults = self.faults
        policy = self.spec.get("reinvocationPolicy")
        if not policy:
            faults.add("spec.reinvocationPolicy", "", "Required")
        elif policy not in {"Never", "IfNeeded"}:
            faults.add("spec.reinvocationPolicy", "IfNeeded, Never", "NotSupported")
        mutations = self.spec.get("mutations") or ()
        if not mutations:
            faults.add("spec.mutations", "mutations must contain at least one item", "Required")
        for index, item in enumerate(mutations):
            path = f"spec.mutations[{index}]"
            kind = item.get("patchType")
            if not kind:
                faults.add(f"{path}.patchType", "", "Required")
                continue
            if kind not in _FORMS:
                faults.add(f"{path}.patchType", "ApplyConfiguration, JSONPatch", "NotSupported")
                continue
            for other, (field, returns) in _FORMS.items():
                if other == kind and item.get(field) is None:
                    faults.add(f"{path}.{field}", f"must be specified when patchType is {kind}", "Required")
                elif other == kind:
                    text = item[field].get("expression")
                    self.compile("mutations", text, (returns,), f"{path}.{field}.expression", patches=True)
                elif item.get(field) is not None:
                    faults.add(f"{path}.{field}", f"must not be specified when patchType is {kind}")


def _param_kind(kind: Json, faults: Faults) -> None:
    path = "spec.paramKind"
    api = str(kind.get("apiVersion") or "")
    group, _, version = api.rpartition("/")
    if not api:
        faults.add(f"{path}.apiVersion", "", "Required")
    elif api.count("/") > 1:
        faults.add(f"{path}.apiVersion", f"unexpected GroupVersion string: {api}")
    else:
        if group and (why := wrong("dns1123Subdomain", group)):
            faults.add(f"{path}.apiVersion", why)
        if not version:
            faults.add(f"{path}.apiVersion", "version must be specified")
        elif why := wrong("dns1035Label", version):
            faults.add(f"{path}.apiVersion", why)
    name = str(kind.get("kind") or "")
    if not name:
        faults.add(f"{path}.kind", "", "Required")
    elif why := wrong("dns1035Label", name.lower()):
        faults.add(f"{path}.kind", f"may have mixed case, but should otherwise match: {why}")


_FORMS = {
    "ApplyConfiguration": ("applyConfiguration", "Object"),
    "JSONPatch": ("jsonPatch", "list(JSONPatch)"),
}


def _binding(spec: Json, faults: Faults, *, validating: bool) -> None:
    name = str(spec.get("policyName") or "")
    if not name:
        faults.add("spec.policyName", "", "Required")
    elif why := wrong("dns1123Subdomain", name):
        faults.add("spec.policyName", why)
    if spec.get("paramRef") is not None:
        reference(spec["paramRef"], faults)
    if spec.get("matchResources") is not None:
        resources(spec["matchResources"], "spec.matchResources", faults)
    if not validating:
        changing(spec.get("matchResources"), "spec.matchResources", faults)
        return
    actions = spec.get("validationActions") or []
    for index, action in enumerate(actions):
        if action not in _ACTIONS:
            faults.add(f"spec.validationActions[{index}]", "Audit, Deny, Warn", "NotSupported")
        if action in actions[:index]:
            faults.add(f"spec.validationActions[{index}]", str(action), "Duplicate")
    if "Deny" in actions and "Warn" in actions:
        faults.add("spec.validationActions", "must not contain both Deny and Warn")
    if not actions:
        faults.add("spec.validationActions", "at least one validation action is required", "Required")
