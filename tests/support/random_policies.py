"""Random admission policies and bindings: every part of matching, params, conditions, messages and actions."""

from __future__ import annotations

RULES = [
    ("", "configmaps"), ("", "secrets"), ("", "namespaces"), ("rbac.authorization.k8s.io", "clusterroles"),
]  # fmt: skip
BOOLS = [
    "true", "false", "object != null", "has(object.metadata.labels) && 'l' in object.metadata.labels",
    "object.metadata.name == 'n1'", "request.operation == 'CREATE'", "oldObject == null",
    "oldObject != null && oldObject.metadata.name == 'n0'", "namespaceObject != null",
    "namespaceObject == null || namespaceObject.metadata.name != 'any-a'", "namespaceObject.metadata.labels['env'] == 'prod'",
    "params == null", "params != null && params.data.v == '1'", "params.data.v == '1'", "request.namespace == 'any-a'",
    "request.kind.kind in ['Secret', 'ConfigMap']", "object.data.a == 'x'", "variables.v1 == 'x'", "variables.v2 > 1",
    "request.userInfo.username == 'jane'", "request.dryRun", "object.spec.replicas > 1 || true", "request.name == ''",
    "authorizer.group('').resource('pods').namespace('any-a').check('create').allowed()",
    "authorizer.requestResource.check('create').allowed()", "object.metadata.?labels['l'].orValue('') == '1'",
    "request.userInfo.groups.exists(g, g == 'dev')", "object.metadata.annotations.size() > 0", "has(request.subResource)",
]  # fmt: skip
TEXTS = [
    "'m'", "'  padded  '", "string(object.metadata.name) + '!'", "''", "'a\\nb'", "request.operation", "string(variables.v1)",
    "string(params.data.v)", "namespaceObject.metadata.name", "request.userInfo.username", "string(object.data.a)",
]  # fmt: skip
VARIABLES = {"v1": ["object.data.a", "'x'"], "v2": ["object.metadata.name.size()", "object.data.size()"]}
OBJECTS = [
    "Object{metadata: Object.metadata{labels: {'m': 'y'}}}",
    "Object{metadata: Object.metadata{annotations: {'m': string(object.metadata.name)}}}",
    "Object{metadata: Object.metadata{labels: {'n': string(object.metadata.?labels['n'].orValue('')) + 'z'}}}",
    "Object{data: {'m': string(object.data.a)}}", "Object{data: {'v': string(variables.v1)}}",
    "Object{data: {'p': string(params.data.v)}}", "Object{spec: Object.spec{finalizers: ['a']}}", "Object{}",
    "Object{metadata: Object.metadata{labels: {'ns': string(namespaceObject.metadata.name)}}}",
    "Object{?metadata: object.?metadata.?labels.optMap(l, Object.metadata{labels: {'opt': string(l.size())}})}",
]  # fmt: skip
PATCHES = [
    "[JSONPatch{op: 'add', path: '/metadata/labels', value: {'j': 'y'}}]", "[JSONPatch{op: 'remove', path: '/metadata/labels/l'}]",
    "[JSONPatch{op: 'test', path: '/metadata/name', value: 'n1'}, JSONPatch{op: 'add', path: '/metadata/annotations', value: {'t': 'y'}}]",
    "[JSONPatch{op: 'replace', path: '/data/a', value: 'cGF0Y2hlZA=='}]", "[JSONPatch{op: 'add', path: '/data/a', value: 'not base64'}]",
    "[JSONPatch{op: 'copy', from: '/metadata/name', path: '/metadata/labels/copied'}]",
    "[JSONPatch{op: 'move', from: '/data/a', path: '/data/b'}]", "[JSONPatch{op: 'add', path: '/metadata/labels', value: {'a': 1}}]",
    "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: 'y'}]",
]  # fmt: skip
_EXPRESSIONS = [
    {"key": "env", "operator": "In", "values": ["prod", "dev"]}, {"key": "l", "operator": "DoesNotExist"},
    {"key": "env", "operator": "NotIn", "values": ["prod"]}, {"key": "l", "operator": "Exists"},
]  # fmt: skip


class Maker:
    """Makes policies from one source of chance."""

    def __init__(self, chance):
        self.chance = chance

    def some(self, share):
        return self.chance.random() < share

    def pick(self, values):
        return self.chance.choice(values)

    def selector(self):
        made = {}
        if self.some(0.6):
            made["matchLabels"] = {self.pick(["env", "l"]): self.pick(["prod", "dev", "1"])}
        if self.some(0.4):
            made["matchExpressions"] = [self.pick(_EXPRESSIONS)]
        return made

    def rule(self, *, changes):
        group, plural = self.pick(RULES)
        operations = [["CREATE"], ["CREATE", "UPDATE"], ["UPDATE"]] + ([] if changes else [["*"], ["DELETE"]])
        made = {
            "apiGroups": [self.pick([group, group, "*"])], "apiVersions": [self.pick(["v1", "*"])],
            "operations": self.pick(operations),
            "resources": self.pick([[plural], [plural], ["*"], [plural, "configmaps"], [f"{plural}/*"]]),
        }  # fmt: skip
        if self.some(0.2):
            made["scope"] = self.pick(["Cluster", "Namespaced", "*"])
        if self.some(0.2):
            made["resourceNames"] = [self.pick(["n0", "n1"])]
        return made

    def matching(self, *, changes, rules=True):
        made = {}
        if rules or self.some(0.3):
            made["resourceRules"] = [self.rule(changes=changes) for _ in range(self.chance.randint(1, 2))]
        if self.some(0.25):
            made["excludeResourceRules"] = [self.rule(changes=True)]
        if self.some(0.3):
            made["namespaceSelector"] = self.selector()
        if self.some(0.25):
            made["objectSelector"] = self.selector()
        return made

    def expression(self, values, known):
        """Return one that names nothing which the policy has not."""
        absent = [
            name for name in ("params", "variables.v1", "variables.v2", "authorizer") if name not in known
        ]
        return self.pick([value for value in values if not any(name in value for name in absent)])

    def policy(self, *, changes):
        """Return the spec of a policy and of its binding."""
        spec = {
            "matchConstraints": self.matching(changes=changes),
            "failurePolicy": self.pick(["Fail", "Fail", "Ignore"]),
        }
        binding = {}
        known = []
        if self.some(0.5):
            spec["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
            known.append("params")
            if self.some(0.8):
                binding["paramRef"] = self.reference()
        chosen = [name for name in VARIABLES if self.some(0.5)]
        spec["variables"] = [{"name": name, "expression": self.pick(VARIABLES[name])} for name in chosen]
        if self.some(0.3):
            spec["matchConditions"] = [
                {"name": f"c{index}", "expression": self.expression(BOOLS, [*known, "authorizer"])}
                for index in range(self.chance.randint(1, 3))
            ]
        known += [f"variables.{name}" for name in chosen]
        if changes:
            spec["mutations"] = [self.mutation(known) for _ in range(self.chance.randint(1, 2))]
            spec["reinvocationPolicy"] = self.pick(["Never", "IfNeeded"])
        else:
            spec["validations"] = [self.validation(known) for _ in range(self.chance.randint(1, 3))]
            actions = [["Deny"], ["Deny"], ["Warn"], ["Audit"], ["Warn", "Audit"], ["Deny", "Audit"]]
            binding["validationActions"] = self.pick(actions)
            if self.some(0.3):
                spec["auditAnnotations"] = [{"key": "k", "valueExpression": self.expression(TEXTS, known)}]
        if self.some(0.3):
            binding["matchResources"] = self.matching(changes=changes, rules=False)
        return spec, binding

    def reference(self):
        made = {"parameterNotFoundAction": self.pick(["Allow", "Deny"])}
        if self.some(0.5):
            made["name"] = self.pick(["p0", "p1", "nope"])
        else:
            made["selector"] = self.pick([{}, {"matchLabels": {"p": "y"}}, {"matchLabels": {"p": "no"}}])
        return made | ({"namespace": self.pick(["any-a", "any-p"])} if self.some(0.6) else {})

    def validation(self, known):
        made = {"expression": self.expression(BOOLS, [*known, "authorizer"])}
        if self.some(0.5):
            made["message"] = self.pick(["plain", "  spaced ", " <b>&"])
        if self.some(0.3):
            made["messageExpression"] = self.expression(TEXTS, known)
        if self.some(0.3):
            made["reason"] = self.pick(["Forbidden", "Invalid", "RequestEntityTooLarge"])
        return made

    def mutation(self, known):
        form, field, values = self.pick(
            [("ApplyConfiguration", "applyConfiguration", OBJECTS), ("JSONPatch", "jsonPatch", PATCHES)]
        )
        return {"patchType": form, field: {"expression": self.expression(values, known)}}
