"""ARM templates, evaluated without a deployment. Expected values follow Microsoft's reference of template functions
(learn.microsoft.com, azure-resource-manager/templates/template-functions-*), rule by rule."""

from __future__ import annotations

import json
import time

import pytest

from seawall.snapshot import Origin
from seawall.snapshot.tables import Estate
from seawall.sources import read_paths
from seawall.sources.azure import read_azure
from seawall.sources.azure.template.expressions import UNKNOWN
from seawall.sources.azure.template.scope import Budget, TemplateScope

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
CLUSTER = "Microsoft.ContainerService/managedClusters"
SCOPE = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"


def template(*resources, **parts):
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": list(resources), **parts}


def cluster(name="c", **properties):
    return {
        "type": CLUSTER,
        "apiVersion": "2025-05-01",
        "name": name,
        "location": "eastus",
        "properties": properties,
    }


def read(document):
    found = read_azure(document, Origin("t.json"))
    return list(found.resources)


def value(expression, **parts):
    return TemplateScope(parts, {}, Budget()).value(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[concat('a', 'b''c', 1, true())]", "ab'c1True"),
        ("[concat(createArray(1), createArray(2, 3))]", [1, 2, 3]),
        ("[format('{0}-{1}-{{x}}', 'a', 2)]", "a-2-{x}"),
        ("[if(equals(1, 1), 'yes', json('{bad'))]", "yes"),
        ("[if(contains(createArray('a'), 'b'), 1, 2)]", 2),
        ("[contains(createObject('Key', 1), 'key')]", True),
        ("[coalesce(null(), '', 'x')]", ""),
        ("[empty('')]", True),
        ("[equals('A', 'a')]", False),
        ("[div(-7, 2)]", -3),
        ("[mod(-7, 2)]", -1),
        ("[substring('abcdef', 2, 3)]", "cde"),
        ("[split('a;b,c', createArray(';', ','))]", ["a", "b", "c"]),
        ("[union(createObject('a', 1, 'b', createObject('c', 1)), createObject('b', createObject('d', 2)))]",
         {"a": 1, "b": {"c": 1, "d": 2}}),
        ("[intersection(createArray(1, 2, 3), createArray(3, 2))]", [2, 3]),
        ("[padLeft(7, 3, '0')]", "007"),
        ("[toLower(take('ABCDE', 2))]", "ab"),
        ("[range(2, 3)]", [2, 3, 4]),
        ("[map(range(0, 3), lambda('i', add(lambdaVariables('i'), 1)))]", [1, 2, 3]),
        ("[filter(createArray(1, 5), lambda('x', greater(lambdaVariables('x'), 3)))]", [5]),
        ("[reduce(range(1, 4), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))]", 10),
        ("[toObject(createArray('a'), lambda('x', lambdaVariables('x')), lambda('x', 1))]", {"a": 1}),
        ("[items(createObject('b', 1, 'a', 2))]", [{"key": "a", "value": 2}, {"key": "b", "value": 1}]),
        ("[json('{\"a\": [1, {\"b\": 2}]}').a[1].b]", 2),
        ("[createObject('x', 1).X]", 1),
        ("[tryGet(createObject('x', 1), 'y')]", None),
        ("[base64ToString(base64('hi'))]", "hi"),
        ("[uri('https://x/a/', 'b')]", "https://x/a/b"),
        ("[[not an expression]", "[not an expression]"),
        ("plain", "plain"),
        ("[and(false(), reference('x'))]", False),
        ("[or(true(), reference('x'))]", True),
        ("[length(createArray(1, reference('x')))]", 2),
        ("[resourceId('Microsoft.X/a/b', 'n', 'm')]", SCOPE + "/providers/Microsoft.X/a/n/b/m"),
        ("[resourceId('rg2', 'Microsoft.X/a', 'n')]", "/subscriptions/{subscriptionId}/resourceGroups/rg2/providers/Microsoft.X/a/n"),
        ("[split(resourceId('Microsoft.X/a', 'n'), '/')[8]]", "n"),
    ],
)  # fmt: skip
def test_functions(expression, expected):
    assert value(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "[reference('x').y]", "[resourceGroup().location]", "[uniqueString('a')]", "[newGuid()]", "[listKeys('a', 'b').k]",
        "[parameters('nope')]", "[variables('nope')]", "[nope('x')]", "[concat('a', reference('x'))]", "[and(true(), reference('x'))]",
        "[if(reference('x'), 1, 2)]", "[createArray(1)[5]]", "[substring('a', 5)]", "[div(1, 0)]", "[concat('a']", "[1 2]", "[]",
        "[subscription().subscriptionId]", "[contains(createArray(reference('x')), 'a')]", "[int('x')]", "[range(0, 99999999)]",
    ],
)  # fmt: skip
def test_what_cannot_be_known_is_unknown_never_wrong(expression):
    assert value(expression) is UNKNOWN


def test_variables_that_refer_to_each_other_come_to_an_end():
    assert value("[variables('a')]", variables={"a": "[variables('b')]", "b": "[variables('a')]"}) is UNKNOWN


def test_unknown_values_are_left_out_of_the_row_and_listed():
    (found,) = read(template(
        cluster(kubernetesVersion="[parameters('v')]", aadProfile={"adminGroupObjectIDs": ["[parameters('g')]", "x"]},
                addonProfiles={"omsAgent": {"enabled": "[parameters('on')]"}}, enableRbac="[parameters('r')]"),
        parameters={"v": {"type": "string"}},
    ))  # fmt: skip
    assert "kubernetesVersion" not in found.row["properties"]
    assert found.row["properties"]["aadProfile"] == {"adminGroupObjectIDs": [None, "x"]}
    assert found.unknown == {
        "subscriptionId", "resourceGroup", "properties.kubernetesVersion", "properties.aadProfile.adminGroupObjectIDs[0]",
        "properties.addonProfiles.omsagent.enabled", "properties.enableRBAC",
    }  # fmt: skip


def test_secure_parameters_never_come_into_a_row():
    (found,) = read(template(
        cluster(servicePrincipalProfile={"clientId": "id", "secret": "[parameters('s')]"}),
        parameters={"s": {"type": "secureString", "defaultValue": "hunter2"}},
    ))  # fmt: skip
    assert "hunter2" not in json.dumps(found.row)


def test_loops_conditions_and_children():
    body = cluster("[concat('c', copyIndex(1))]", kubernetesVersion="1.33")
    body["copy"] = {"name": "clusters", "count": "[length(variables('all'))]"}
    body["resources"] = [
        {"type": "agentPools", "name": "inner", "apiVersion": "x", "properties": {"maxPods": 30}},
        {"type": "agentPools", "name": "off", "apiVersion": "x", "condition": False, "properties": {}},
    ]
    top = {
        "type": CLUSTER + "/agentPools",
        "name": "c1/top",
        "apiVersion": "x",
        "properties": {"enableFips": True},
    }
    found = read(
        template(
            body, top, cluster("never", x=1) | {"condition": "[equals(1, 2)]"}, variables={"all": [1, 2]}
        )
    )
    assert [item.row["name"] for item in found] == ["c1", "inner", "c2", "inner", "top"]
    assert found[1].id == f"{SCOPE}/providers/{CLUSTER}/c1/agentPools/inner"
    assert found[4].row["properties"] == {"enableFIPS": True}
    from seawall.snapshot import Snapshot

    pools = Estate(Snapshot(resources=tuple(found))).pools()
    assert [
        (pool.cluster.row["name"], pool.subject.name)
        for pool in sorted(pools, key=lambda one: one.subject.id)
    ] == [
        ("c1", "inner"),
        ("c1", "top"),
        ("c2", "inner"),
    ]


def test_diagnostic_settings_hang_on_their_cluster_in_both_spellings():
    old = {
        "type": CLUSTER + "/providers/diagnosticSettings",
        "name": "c/Microsoft.Insights/d",
        "apiVersion": "x",
        "properties": {},
    }
    new = {
        "type": "Microsoft.Insights/diagnosticSettings",
        "name": "d",
        "apiVersion": "x",
        "scope": f"[format('{CLUSTER}/{{0}}', 'c')]",
        "properties": {},
    }
    for found in read(template(old, new)):
        assert found.type == "microsoft.insights/diagnosticsettings"
        assert (
            found.id.lower()
            == f"{SCOPE}/providers/{CLUSTER}/c/providers/microsoft.insights/diagnosticsettings/d".lower()
        )


def nested(scope, body, **parameters):
    return {"type": "Microsoft.Resources/deployments", "apiVersion": "x", "name": "n", "properties": {
        "expressionEvaluationOptions": {"scope": scope}, "parameters": parameters, "template": body}}  # fmt: skip


def test_nested_deployments_see_their_own_or_the_outer_values():
    inner = template(cluster("[variables('name')]"), variables={"name": "inner"})
    (own,) = read(template(nested("inner", inner), variables={"name": "outer"}))
    (outer,) = read(template(nested("outer", inner), variables={"name": "outer"}))
    assert (own.row["name"], outer.row["name"]) == ("inner", "outer")
    assert own.origin.path == ("resources", 0, "properties", "template", "resources", 0)


def test_the_outputs_of_a_module_reach_the_next_one():
    first = template(
        outputs={"version": {"type": "string", "value": "[parameters('v')]"}},
        parameters={"v": {"type": "string"}},
    )
    second = template(cluster(kubernetesVersion="[parameters('v')]"), parameters={"v": {"type": "string"}})
    reference = "[reference(resourceId('Microsoft.Resources/deployments', 'n')).outputs.version.value]"
    (found,) = read(
        template(
            nested("inner", first, v={"value": "1.33"}),
            nested("inner", second, v={"value": reference}) | {"name": "m"},
        )
    )
    assert found.row["properties"]["kubernetesVersion"] == "1.33"


def test_symbolic_names_existing_resources_and_user_functions():
    document = template(
        functions=[{"namespace": "my", "members": {"full": {
            "parameters": [{"name": "x", "type": "string"}],
            "output": {"type": "string", "value": "[concat('aks-', parameters('x'))]"}}}}],
        languageVersion="2.0",
    )  # fmt: skip
    document["resources"] = {
        "workspace": {
            "existing": True,
            "type": "Microsoft.OperationalInsights/workspaces",
            "apiVersion": "x",
            "name": "w",
        },
        "aks": cluster("[my.full('a')]", x="[resourceInfo('workspace').id]"),
    }
    (found,) = read(document)
    assert found.row["name"] == "aks-a"
    assert found.row["properties"]["x"] == f"{SCOPE}/providers/Microsoft.OperationalInsights/workspaces/w"
    assert found.origin.path == ("resources", "aks")


def test_parameters_beside_the_template_are_used(tmp_path):
    document = template(
        cluster("[parameters('n')]", secret="[parameters('k')]"),
        parameters={"n": {"type": "string"}, "k": {"type": "string"}},
    )
    (tmp_path / "main.json").write_text(json.dumps(document))
    given = {"n": {"value": "given"}, "k": {"reference": {"keyVault": {"id": "x"}, "secretName": "y"}}}
    (tmp_path / "main.parameters.json").write_text(
        json.dumps(
            {"$schema": "x/deploymentParameters.json#", "contentVersion": "1.0.0.0", "parameters": given}
        )
    )
    snapshot = read_paths([str(tmp_path)])
    (found,) = snapshot.resources
    assert found.row["name"] == "given"
    assert "properties.secret" in found.unknown
    assert [item.reason.partition(":")[0] for item in snapshot.ignored] == ["parameters of an ARM template"]


def test_a_linked_template_is_said_to_be_unread():
    linked = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "x",
        "name": "n",
        "properties": {"templateLink": {"uri": "https://x/y.json"}},
    }
    found = read_azure(template(linked), Origin("t.json"))
    assert [item.reason for item in found.unread] == ["a linked template is not read: https://x/y.json"]


@pytest.mark.parametrize(
    "document",
    [
        template(cluster() | {"copy": {"name": "x", "count": 10**9}}),
        template(cluster(x="[" + "concat(" * 500 + "'a'" + ")" * 500 + "]")),
        template(cluster(x="[variables('v9')]"), variables={"v0": "[createArray(1, 2)]"} | {
            f"v{n}": f"[concat({', '.join([f'''variables('v{n - 1}')'''] * 20)})]" for n in range(1, 10)}),
        template(cluster(copy=[{"name": "a", "count": 800, "input": {"copy": [{"name": "b", "count": 800, "input": {
            "copy": [{"name": "c", "count": 800, "input": "[copyIndex('a')]"}]}}]}}])),
        template(cluster(x="[" + "(" * 100_000 + "]")),
    ],
    ids=["count", "depth", "doubling", "loops in loops", "brackets"],
)  # fmt: skip
def test_templates_that_ask_for_too_much_come_to_an_end(document):
    start = time.perf_counter()
    read(document)
    assert time.perf_counter() - start < 30  # only what would not end at all
