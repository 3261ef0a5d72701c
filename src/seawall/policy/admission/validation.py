"""Validation of admission policies and bindings themselves: the fields that the API server would refuse.

kubernetes pkg/apis/admissionregistration/validation, read at v1.34.4. New expressions see the libraries of
the version before the server's, so that a rolled-back server still reads them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from seawall.cel.library.kubernetes import FORMATS_BY_NAME
from seawall.policy.admission.expressions import Scope
from seawall.policy.admission.request import Denied
from seawall.policy.admission.selectors import SelectorError, selects
from seawall.policy.admission.world import ADMISSION_GROUP

if TYPE_CHECKING:
    from seawall.policy.admission.request import Request

Json = dict[str, Any]
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*", re.ASCII)
_KINDS = {
    "validatingadmissionpolicies": "ValidatingAdmissionPolicy",
    "validatingadmissionpolicybindings": "ValidatingAdmissionPolicyBinding",
    "mutatingadmissionpolicies": "MutatingAdmissionPolicy",
    "mutatingadmissionpolicybindings": "MutatingAdmissionPolicyBinding",
}
_OPERATIONS = frozenset({"*", "CREATE", "UPDATE", "DELETE", "CONNECT"})
_REASONS = frozenset({"Forbidden", "Invalid", "RequestEntityTooLarge"})
_ACTIONS = frozenset({"Deny", "Warn", "Audit"})


class _Faults:
    """The faults found, each with its field."""

    def __init__(self) -> None:
        self.found: list[Json] = []

    def add(self, field: str, why: str, kind: str = "Invalid") -> None:
        words = {"Invalid": "Invalid value", "Required": "Required value", "NotSupported": "Unsupported value",
                 "Duplicate": "Duplicate value", "Forbidden": "Forbidden"}  # fmt: skip
        text = f"{words[kind]}: {why}" if why else words[kind]
        self.found.append({"reason": f"FieldValue{kind}", "message": text, "field": field})


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
    faults = _Faults()
    spec: Json = request.object.get("spec") or {}
    name = str((request.object.get("metadata") or {}).get("name") or "")
    if not name or FORMATS_BY_NAME["dns1123Subdomain"].validate(name):
        faults.add(
            "metadata.name", "name is not a lowercase RFC 1123 subdomain", "Invalid" if name else "Required"
        )
    if kind.endswith("Binding"):
        _binding(spec, faults, validating=kind.startswith("Validating"))
    else:
        _policy(spec, faults, minor, validating=kind.startswith("Validating"))
    if faults.found:
        texts = [f"{fault['field']}: {fault['message']}" for fault in faults.found]
        shown = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        message = f'{kind}.{ADMISSION_GROUP} "{request.name or name}" is invalid: {shown}'
        raise Denied(422, "Invalid", message, faults.found)


def _policy(spec: Json, faults: _Faults, minor: int, *, validating: bool) -> None:
    if spec.get("failurePolicy", "Fail") not in {"Fail", "Ignore"}:
        faults.add("spec.failurePolicy", "Fail, Ignore", "NotSupported")
    kind = spec.get("paramKind")
    if kind is not None:
        for field in ("apiVersion", "kind"):
            if not kind.get(field):
                faults.add(f"spec.paramKind.{field}", "", "Required")
        if str(kind.get("apiVersion") or "").count("/") > 1:
            faults.add("spec.paramKind.apiVersion", "unexpected GroupVersion string")
    rules = spec.get("matchConstraints")
    if rules is None:
        faults.add("spec.matchConstraints", "", "Required")
    else:
        _resources(rules, "spec.matchConstraints", faults)
        if not rules.get("resourceRules"):
            faults.add("spec.matchConstraints.resourceRules", "", "Required")
    scope = Scope(minor - 1, params=kind is not None)
    _conditions(spec.get("matchConditions") or (), scope, faults)
    for index, variable in enumerate(spec.get("variables") or ()):
        path = f"spec.variables[{index}]"
        name = str(variable.get("name") or "")
        if not name.strip():
            faults.add(f"{path}.name", "name is not specified", "Required")
        elif not _IDENTIFIER.fullmatch(name):
            faults.add(f"{path}.name", "must be a valid CEL identifier")
        if not str(variable.get("expression") or "").strip():
            faults.add(f"{path}.expression", "expression is not specified", "Required")
        elif error := scope.variable(name, str(variable["expression"])).error:
            faults.add(f"{path}.expression", error)
    if validating:
        _validations(spec, scope, faults)
    else:
        _changing(rules, "spec.matchConstraints", faults)
        _mutations(spec, scope, faults)


def _compile(
    scope: Scope, text: Any, returns: tuple[str, ...], path: str, faults: _Faults, *, patches: bool = False
) -> None:
    if not str(text or "").strip():
        faults.add(path, "expression is not specified", "Required")
    elif error := scope.compile(str(text), returns, patches=patches).error:
        faults.add(path, error)


def _conditions(conditions: Any, scope: Scope, faults: _Faults) -> None:
    if len(conditions) > 64:
        faults.add("spec.matchConditions", "must have at most 64 items")
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        path = f"spec.matchConditions[{index}]"
        name = str(condition.get("name") or "")
        if not name:
            faults.add(f"{path}.name", "", "Required")
        elif FORMATS_BY_NAME["qualifiedName"].validate(name):
            faults.add(f"{path}.name", "not a qualified name")
        if name and name in seen:
            faults.add(f"{path}.name", name, "Duplicate")
        seen.add(name)
        _compile(scope, condition.get("expression"), ("bool",), f"{path}.expression", faults)


def _validations(spec: Json, scope: Scope, faults: _Faults) -> None:
    validations, annotations = spec.get("validations") or (), spec.get("auditAnnotations") or ()
    if not validations and not annotations:
        for field in ("validations", "auditAnnotations"):
            text = "validations or auditAnnotations must contain at least one item"
            faults.add(f"spec.{field}", text, "Required")
    for index, item in enumerate(validations):
        path = f"spec.validations[{index}]"
        _compile(scope, item.get("expression"), ("bool",), f"{path}.expression", faults)
        if item.get("messageExpression"):
            _compile(scope, item["messageExpression"], ("string",), f"{path}.messageExpression", faults)
        message = item.get("message")
        if message and not str(message).strip():
            faults.add(f"{path}.message", "message must be non-empty if specified")
        elif message and ("\n" in str(message).strip()):
            faults.add(f"{path}.message", "message must not contain line breaks")
        elif not message and "\n" in str(item.get("expression") or "").strip():
            faults.add(
                f"{path}.message", "message must be specified if expression contains line breaks", "Required"
            )
        if item.get("reason") is not None and item["reason"] not in _REASONS:
            faults.add(f"{path}.reason", "Forbidden, Invalid, RequestEntityTooLarge", "NotSupported")
    if len(annotations) > 20:
        faults.add("spec.auditAnnotations", "must not have more than 20 auditAnnotations")
    seen: set[str] = set()
    for index, item in enumerate(annotations):
        path = f"spec.auditAnnotations[{index}]"
        key = str(item.get("key") or "")
        if not key:
            faults.add(f"{path}.key", "", "Required")
        elif FORMATS_BY_NAME["qualifiedName"].validate(key) or "/" in key:
            faults.add(f"{path}.key", "not a qualified name without a prefix")
        if key and key in seen:
            faults.add(f"{path}.key", key, "Duplicate")
        seen.add(key)
        expression = item.get("valueExpression")
        _compile(scope, expression, ("string", "null_type"), f"{path}.valueExpression", faults)


_FORMS = {
    "ApplyConfiguration": ("applyConfiguration", "Object"),
    "JSONPatch": ("jsonPatch", "list(JSONPatch)"),
}


def _mutations(spec: Json, scope: Scope, faults: _Faults) -> None:
    policy = spec.get("reinvocationPolicy")
    if not policy:
        faults.add("spec.reinvocationPolicy", "", "Required")
    elif policy not in {"Never", "IfNeeded"}:
        faults.add("spec.reinvocationPolicy", "IfNeeded, Never", "NotSupported")
    mutations = spec.get("mutations") or ()
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
                expression = item[field].get("expression")
                _compile(scope, expression, (returns,), f"{path}.{field}.expression", faults, patches=True)
            elif item.get(field) is not None:
                faults.add(f"{path}.{field}", f"must not be specified when patchType is {kind}")


def _changing(rules: Json | None, path: str, faults: _Faults) -> None:
    """Require that rules of a mutation name no DELETE: there is nothing to change."""
    for rule in (rules or {}).get("resourceRules") or ():
        for operation in rule.get("operations") or ():
            if operation not in {"*", "CREATE", "UPDATE", "CONNECT"}:
                faults.add(f"{path}.resourceRules.operations", "*, CONNECT, CREATE, UPDATE", "NotSupported")


def _binding(spec: Json, faults: _Faults, *, validating: bool) -> None:
    name = str(spec.get("policyName") or "")
    if not name:
        faults.add("spec.policyName", "", "Required")
    elif FORMATS_BY_NAME["dns1123Subdomain"].validate(name):
        faults.add("spec.policyName", "not a lowercase RFC 1123 subdomain")
    reference = spec.get("paramRef")
    if reference is not None:
        _reference(reference, faults)
    if spec.get("matchResources") is not None:
        _resources(spec["matchResources"], "spec.matchResources", faults)
    if not validating:
        _changing(spec.get("matchResources"), "spec.matchResources", faults)
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


def _reference(reference: Json, faults: _Faults) -> None:
    path = "spec.paramRef"
    name, selector = reference.get("name"), reference.get("selector")
    if name and selector is not None:
        for field in ("name", "selector"):
            faults.add(f"{path}.{field}", "name and selector are mutually exclusive", "Forbidden")
    if name and (name in {".", ".."} or "/" in name or "%" in name):
        faults.add(f"{path}.name", "not a path segment name")
    if selector is not None:
        _selector(selector, f"{path}.selector", faults)
    if not name and selector is None:
        faults.add(path, "one of name or selector must be specified", "Required")
    action = reference.get("parameterNotFoundAction")
    if not action:
        faults.add(f"{path}.parameterNotFoundAction", "", "Required")
    elif action not in {"Allow", "Deny"}:
        faults.add(f"{path}.parameterNotFoundAction", "Allow, Deny", "NotSupported")


def _selector(selector: Json, path: str, faults: _Faults) -> None:
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        try:
            selects({"matchExpressions": [expression]}, {})
        except SelectorError as error:
            known = expression.get("operator") in {"In", "NotIn", "Exists", "DoesNotExist"}
            faults.add(f"{path}.matchExpressions[{index}].{'values' if known else 'operator'}", str(error))


def _resources(rules: Json, path: str, faults: _Faults) -> None:
    if rules.get("matchPolicy", "Equivalent") not in {"Equivalent", "Exact"}:
        faults.add(f"{path}.matchPolicy", "Equivalent, Exact", "NotSupported")
    for field in ("namespaceSelector", "objectSelector"):
        _selector(rules.get(field) or {}, f"{path}.{field}", faults)
    for part in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(rules.get(part) or ()):
            _rule(rule, f"{path}.{part}[{index}]", faults)


def _rule(rule: Json, path: str, faults: _Faults) -> None:
    operations = rule.get("operations") or []
    for field in ("apiGroups", "apiVersions", "operations", "resources"):
        values = rule.get(field) or []
        if not values:
            faults.add(f"{path}.{field}", "", "Required")
        elif "*" in values and len(values) > 1 and field != "resources":
            faults.add(f"{path}.{field}", "if '*' is present, must not specify other values")
    for index, operation in enumerate(operations):
        if operation not in _OPERATIONS:
            faults.add(f"{path}.operations[{index}]", "*, CONNECT, CREATE, DELETE, UPDATE", "NotSupported")
    for index, version in enumerate(rule.get("apiVersions") or ()):
        if not version:
            faults.add(f"{path}.apiVersions[{index}]", "", "Required")
    if rule.get("scope", "*") not in {"*", "Cluster", "Namespaced"}:
        faults.add(f"{path}.scope", "*, Cluster, Namespaced", "NotSupported")
