"""`seawall policy check`: fields as the API server refuses them, types as its type checking warns, objects judged."""

from __future__ import annotations

import json

import pytest

from seawall.core.errors import UsageError
from seawall.policy.admission.world import World
from seawall.policy.checking import check_policies, plural_of
from support.command import seawall

API = "admissionregistration.k8s.io/v1"
RULE = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}


def _policy(expression, name="p", rule=RULE, **spec):
    return {
        "apiVersion": API, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": expression}], **spec},
    }  # fmt: skip


def _binding(policy="p", name="b"):
    return {
        "apiVersion": API, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": policy, "validationActions": ["Deny"]},
    }  # fmt: skip


def _deployment(replicas):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "n"},
        "spec": {"replicas": replicas},
    }


def test_objects_are_judged_with_the_cost_and_a_namespace_that_is_assumed():
    found = check_policies([_policy("object.spec.replicas < 5"), _binding(), _deployment(3), _deployment(7)])
    assert [one.allowed for one in found.judged] == [True, False]
    assert "failed expression: object.spec.replicas < 5" in found.judged[1].message
    assert found.assumed == ("n",)
    assert found.problems == ()
    # object, spec, replicas and the comparison: four steps (cel-go runtimecost.go).
    assert found.judged[0].costs == {"p": 4}


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("object.spec.replicsa < 5", "undefined field 'replicsa'"),
        ("object.spec.template.spec.containers.all(c, c.imagee != '')", "undefined field 'imagee'"),
        ("object.spec.paused == 'yes'", "no matching overload"),
        ("object.metadata.labels.app == 1", "no matching overload"),
    ],
)
def test_types_of_the_kinds_are_warned_of_and_do_not_refuse(expression, says):
    found = check_policies([_policy(expression), _binding()])
    (problem,) = found.problems
    assert problem.warning
    assert problem.field == "spec.validations[0].expression"
    assert says in problem.message
    assert "apps/v1 Deployment" in problem.message


@pytest.mark.parametrize(
    "expression",
    [
        "object.spec.replicas < 5 && object.spec.template.spec.containers.all(c, c.name.size() < 9)",
        "object.metadata.annotations['a'] == 'b' || has(object.spec.strategy.rollingUpdate.maxSurge)",
        "object.spec.template.spec.containers.all(c, quantity(c.resources.limits['cpu']).isLessThan(quantity('2')))",
        "variables.c.all(c, c.image.startsWith('x'))",
    ],
)
def test_what_fits_the_types_is_not_warned_of(expression):
    variables = [{"name": "c", "expression": "object.spec.template.spec.containers"}]
    assert check_policies([_policy(expression, variables=variables), _binding()]).problems == ()


def test_what_the_server_would_refuse_is_refused_and_in_force_nowhere():
    found = check_policies([_policy("object.spec.replicas"), _binding(), _deployment(1)])
    (problem,) = found.problems
    assert (problem.field, problem.warning) == ("spec.validations[0].expression", False)
    assert [one.allowed for one in found.judged] == [True]


def test_what_is_bound_to_nothing_is_said():
    found = check_policies([_policy("true", name="lonely"), _binding("absent")])
    assert {(one.name, one.field) for one in found.problems} == {
        ("lonely", "metadata.name"),
        ("b", "spec.policyName"),
    }
    assert all(one.warning for one in found.problems)


def test_custom_resources_by_their_schema():
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.x.io"},
        "spec": {"group": "x.io", "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"}, "versions": [
            {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {"size": {"type": "integer"}}}}}]},
    }  # fmt: skip
    rule = {"apiGroups": ["x.io"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["things"]}
    good, bad = _policy("object.size > 1", rule=rule), _policy("object.sizes > 1", rule=rule)
    thing = {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "size": 1}
    found = check_policies([crd, good, _binding(), thing])
    assert found.problems == ()
    assert [one.allowed for one in found.judged if one.kind == "Thing"] == [False]
    assert "undefined field 'sizes'" in check_policies([crd, bad, _binding()]).problems[0].message


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Pod", "pods"), ("NetworkPolicy", "networkpolicies"), ("Ingress", "ingresses"), ("Endpoints", "endpoints"),
        ("StorageClass", "storageclasses"), ("Gateway", "gateways"),
    ],
)  # fmt: skip
def test_resources_of_kinds(kind, plural):
    assert plural_of(World([]), "", kind) == plural


def test_objects_out_of_shape_are_said():
    found = check_policies(
        [
            _policy("true") | {"spec": ["x"]},
            _binding(),
            {"kind": "Pod", "apiVersion": "v1", "spec": {"containers": 1}},
        ]
    )
    assert [one.field for one in found.problems if not one.warning] == ["spec"]


def test_a_version_that_is_none():
    with pytest.raises(UsageError):
        check_policies([], version="x")


def test_the_command(tmp_path):
    (tmp_path / "all.jsonl").write_text(
        "".join(
            json.dumps(item) + "\n"
            for item in [_policy("object.spec.replicas < 5"), _binding(), _deployment(7)]
        )
    )
    done = seawall("policy", "check", str(tmp_path))
    assert done.returncode == 1, done.stderr
    assert "2 policies and bindings, 0 would be refused" in done.stdout
    assert "denied: Deployment n/d: " in done.stdout
    assert "cost: p: 4 of 10,000,000" in done.stdout
    report = json.loads(seawall("policy", "check", str(tmp_path), "-o", "json").stdout)
    assert report["judged"][0]["allowed"] is False
    assert report["assumed_namespaces"] == ["n"]


def test_patches_of_the_what_if_command_cure(tmp_path):
    from seawall.policy.admission.typed import apply_patch
    from seawall.policy.podsecurity import evaluate

    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": [{"name": "a", "image": "x"}]},
    }
    (tmp_path / "pod.json").write_text(json.dumps(pod))
    done = seawall("policy", "what-if", str(tmp_path), "-o", "patches")
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert evaluate(apply_patch(pod, found["patch"]), "restricted") == []
    labels = seawall("policy", "what-if", str(tmp_path), "-o", "labels").stdout
    assert "pod-security.kubernetes.io/enforce=baseline" in labels
    assert "pod-security.kubernetes.io/warn=restricted" in labels
    table = seawall("policy", "what-if", str(tmp_path), "--all-versions").stdout
    assert "baseline at v1.0 to v1." in table
