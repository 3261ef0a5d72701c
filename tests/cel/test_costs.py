"""Types, costs and outcomes of expressions, as the compiler and evaluator of k8s.io/apiserver gave them.

`costs.jsonl` holds what that program answered about expressions of ours; its first line says which version. What a
map's random order decides there is left out.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seawall.cel import CompileError, Environment, compile_expression, functions_of
from seawall.cel.compile.frame import CALL_LIMIT
from seawall.cel.library.authz import Authorizer, Decision, User
from seawall.cel.types import DYN
from seawall.policy.admission.variables import BASE, OBJECTS

LINES = Path(__file__).with_name("costs.jsonl").read_text(encoding="utf-8").splitlines()
OBJECT = json.loads(LINES[0])["object"]
CASES = [json.loads(line) for line in LINES[1:]]


def values():
    root = Authorizer(User("jane"), lambda *_: Decision(allowed=True, reason="because"))
    request = {"name": "x", "operation": "CREATE", "userInfo": {"groups": ["a", "b"]}}
    return {
        "object": OBJECT, "oldObject": None, "params": OBJECT, "request": request, "namespaceObject": None,
        "authorizer": root,
    }  # fmt: skip


def answer(expression, minor):
    environment = Environment(functions_of(minor), BASE | {"params": DYN}, OBJECTS)
    try:
        program = compile_expression(expression, environment)
    except CompileError:
        return {"refused": True}
    value, error, cost = program.measure(values())
    found = {"type": str(program.type), "cost": cost}
    if error is not None:
        return found | {"error": True}
    if type(value) in {bool, int}:
        found["value"] = str(value).lower()
    return found


@pytest.mark.parametrize("part", range(8))
def test_each_expression_costs_what_it_costs_the_server(part):
    different = []
    for case in CASES[part::8]:
        wanted = {key: case[key] for key in ("refused", "type", "cost", "error", "value") if key in case}
        found = answer(case["expression"], case.get("minor", 34))
        if found != wanted:
            different.append((case["expression"], wanted, found))
    assert different == []
    assert len(CASES) > 1000


def test_an_expression_stops_at_the_limit_of_a_call_and_says_how_far_it_came():
    environment = Environment(functions_of(34), BASE | {"params": DYN}, OBJECTS)
    program = compile_expression(
        "lists.range(2000).all(i, lists.range(2000).all(j, i + j >= 0))", environment
    )
    value, error, cost = program.measure({})
    assert (value, str(error)) == (None, "operation cancelled: actual cost limit exceeded")
    assert CALL_LIMIT < cost < CALL_LIMIT + 10
