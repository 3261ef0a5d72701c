"""CEL as Kubernetes speaks it: values, types, errors and costs.

Expected values and costs were asked of k8s.io/apiserver v0.34.4 with cel-go v0.26.0 (2026-11-21), the
library that kube-apiserver evaluates with.
"""

from __future__ import annotations

import pytest

from seawall.cel import CelError, CompileError, Environment, compile_expression, functions_of
from seawall.cel.types import DYN

STORED = Environment(functions_of(34), {"object": DYN})
NEW = Environment(functions_of(33), {"object": DYN})
OBJECT = {
    "metadata": {"name": "p", "labels": {"a": "b"}},
    "spec": {
        "replicas": 3,
        "containers": [{"name": "a", "image": "nginx:1.2"}, {"name": "b", "image": "r/x@sha256:1"}],
    },
}


def run(text, environment=STORED):
    return compile_expression(text, environment).run({"object": OBJECT})


@pytest.mark.parametrize(
    ("text", "value", "cost"),
    [
        ("object.spec.replicas <= 5", True, 4),
        ("object.spec.containers.all(container, container.image.contains('@'))", False, 12),
        ("has(object.metadata.namespace)", False, 2),
        ("object.spec.?signerName.orValue('unknown')", "unknown", 2),
        ("!object.spec.?affinity.?nodeAffinity.hasValue()", True, 4),
        ("{'team': 'platform'}", {"team": "platform"}, 0),
    ],
)
def test_values_and_costs(text, value, cost):
    assert run(text) == (value, cost)


@pytest.mark.parametrize(
    "text",
    [
        "[object.x, 'a']",
        "{'a': 1, 'b': 'x'}",
        "1 + 'a'",
        "nothing",
        "duration('x')",
        "'a'.matches('(')",
        "1 == 'a'",
        "a b",
        "'",
        "has(1)",
    ],
)
def test_what_the_server_refuses(text):
    with pytest.raises(CompileError):
        compile_expression(text, STORED)


@pytest.mark.parametrize("text", ["[2, 1].sort()", "[1].slice(0, 1)", "lists.range(3)", "[1, 1].distinct()"])
def test_new_policies_see_the_libraries_of_the_version_before(text):
    run(text)
    with pytest.raises(CompileError):
        compile_expression(text, NEW)


@pytest.mark.parametrize(
    "text", ["1 / 0", "9223372036854775807 + 1", "object.nope", "object.spec.containers[9]", "dyn('a') < 1"]
)
def test_errors_are_errors(text):
    with pytest.raises(CelError):
        run(text)


@pytest.mark.parametrize("text", ["true || 1 / 0 > 0", "1 / 0 > 0 || true", "[1, 0].exists(x, 1 / x > 0)"])
def test_or_absorbs_errors(text):
    assert run(text)[0] is True


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "-" * 100_001,
        "[" * 3000 + "]" * 3000,
        "9" * 10_000,
        "!" * 9999,
        "a." * 40_000 + "b",
    ],
)
def test_hostile_text_is_refused(text):
    with pytest.raises(CompileError):
        compile_expression(text, STORED)


def test_a_bool_is_no_number():
    assert run("dyn(true) == dyn(1)")[0] is False
    assert run("dyn(1) == dyn(1.0)")[0] is True


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # What is no optional is itself, and the other side is not evaluated (asked of kube-apiserver 1.34.4).
        ("object.spec.containers.orValue([]).size()", 2),
        ("object.spec.replicas.orValue(1 / 0)", 3),
        ("object.?spec.?replicas.orValue(1 / 0)", 3),
        ("object.?nothing.orValue('x')", "x"),
        ("object.?nothing.or(object.?metadata.?name).value()", "p"),
        ("object.?metadata.?name.or(optional.of(string(1 / 0))).value()", "p"),
    ],
)
def test_what_follows_an_optional_is_evaluated_only_where_it_is_absent(text, value):
    assert run(text)[0] == value


def test_the_other_side_fails_where_it_is_needed():
    with pytest.raises(CelError, match=r"zero"):
        run("object.?nothing.orValue(1 / 0)")
