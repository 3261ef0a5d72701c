"""What a policy or binding matches, and the params a binding refers to: the fields that the API server would refuse.

kubernetes pkg/apis/admissionregistration/validation, read at v1.34.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.policy.admission.validation.metadata import labels, wrong

if TYPE_CHECKING:
    from seawall.policy.admission.validation.faults import Faults

Json = dict[str, Any]
_OPERATIONS = frozenset({"*", "CREATE", "UPDATE", "DELETE", "CONNECT"})


def resources(rules: Json, path: str, faults: Faults) -> None:
    """Check `matchConstraints` or `matchResources`."""
    if rules.get("matchPolicy", "Equivalent") not in {"Equivalent", "Exact"}:
        faults.add(f"{path}.matchPolicy", "Equivalent, Exact", "NotSupported")
    for field in ("namespaceSelector", "objectSelector"):
        selector(rules.get(field) or {}, f"{path}.{field}", faults)
    for part in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(rules.get(part) or ()):
            _rule(rule, f"{path}.{part}[{index}]", faults)


def changing(rules: Json | None, path: str, faults: Faults) -> None:
    """Require that rules of a mutation name no DELETE: there is nothing to change."""
    for rule in (rules or {}).get("resourceRules") or ():
        for operation in rule.get("operations") or ():
            if operation not in {"*", "CREATE", "UPDATE", "CONNECT"}:
                faults.add(f"{path}.resourceRules.operations", "*, CONNECT, CREATE, UPDATE", "NotSupported")


def reference(given: Json, faults: Faults) -> None:
    """Check `paramRef`."""
    path = "spec.paramRef"
    name, wanted = given.get("name"), given.get("selector")
    if name:
        _segment(str(name), f"{path}.name", faults)
        if wanted is not None:
            faults.add(f"{path}.name", "name and selector are mutually exclusive", "Forbidden")
    if wanted is not None:
        selector(wanted, f"{path}.selector", faults)
        if name:
            faults.add(f"{path}.selector", "name and selector are mutually exclusive", "Forbidden")
    if not name and wanted is None:
        faults.add(path, "one of name or selector must be specified", "Required")
    action = given.get("parameterNotFoundAction")
    if not action:
        faults.add(f"{path}.parameterNotFoundAction", "", "Required")
    elif action not in {"Allow", "Deny"}:
        faults.add(f"{path}.parameterNotFoundAction", "Allow, Deny", "NotSupported")


def selector(given: Json, path: str, faults: Faults) -> None:
    """Check a label selector, strictly."""
    labels(given.get("matchLabels"), f"{path}.matchLabels", faults)
    for index, expression in enumerate(given.get("matchExpressions") or ()):
        where = f"{path}.matchExpressions[{index}]"
        values = expression.get("values") or []
        match expression.get("operator"):
            case "In" | "NotIn":
                if not values:
                    faults.add(
                        f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'", "Required"
                    )
            case "Exists" | "DoesNotExist":
                if values:
                    text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                    faults.add(f"{where}.values", text, "Forbidden")
            case _:
                faults.add(f"{where}.operator", "not a valid selector operator")
        if why := wrong("qualifiedName", expression.get("key") or ""):
            faults.add(f"{where}.key", why)
        for position, value in enumerate(values):
            if why := wrong("labelValue", value):
                faults.add(f"{where}.values[{position}]", why)


def _segment(name: str, path: str, faults: Faults) -> None:
    if name in {".", ".."} or "/" in name or "%" in name:
        faults.add(path, "not a path segment name")


def _rule(rule: Json, path: str, faults: Faults) -> None:
    names = [str(name) for name in rule.get("resourceNames") or ()]
    for index, name in enumerate(names):
        _segment(name, f"{path}.resourceNames[{index}]", faults)
        if name in names[:index]:
            faults.add(f"{path}.resourceNames[{index}]", name, "Duplicate")
    for field in ("apiGroups", "apiVersions", "operations", "resources"):
        values = rule.get(field) or []
        if not values:
            faults.add(f"{path}.{field}", "", "Required")
        elif "*" in values and len(values) > 1 and field != "resources":
            faults.add(f"{path}.{field}", "if '*' is present, must not specify other values")
    for index, operation in enumerate(rule.get("operations") or ()):
        if operation not in _OPERATIONS:
            faults.add(f"{path}.operations[{index}]", "*, CONNECT, CREATE, DELETE, UPDATE", "NotSupported")
    for index, version in enumerate(rule.get("apiVersions") or ()):
        if not version:
            faults.add(f"{path}.apiVersions[{index}]", "", "Required")
    _resources(rule.get("resources") or [], f"{path}.resources", faults)
    if rule.get("scope", "*") not in {"*", "Cluster", "Namespaced"}:
        faults.add(f"{path}.scope", "*, Cluster, Namespaced", "NotSupported")


def _resources(given: list[Any], path: str, faults: Faults) -> None:
    """Check names such as `pods`, `pods/*`, `*/scale`, in which a wildcard stands alone for what it covers."""
    whole: set[str] = set()
    parts: set[str] = set()
    plain = False
    for index, each in enumerate(map(str, given)):
        if not each:
            faults.add(f"{path}[{index}]", "", "Required")
            continue
        resource, slash, sub = each.partition("/")
        if not slash:
            plain = each != "*"  # as the server has it: the last one counts
            continue
        if resource in whole:
            faults.add(f"{path}[{index}]", f"if '{resource}/*' is present, must not specify {each}")
        if sub in parts:
            faults.add(f"{path}[{index}]", f"if '*/{sub}' is present, must not specify {each}")
        if sub == "*":
            whole.add(resource)
        if resource == "*":
            parts.add(sub)
    if len(given) > 1 and "*/*" in given:
        faults.add(path, "if '*/*' is present, must not specify other resources")
    if "*" in given and plain:
        faults.add(path, "if '*' is present, must not specify other resources without subresources")
