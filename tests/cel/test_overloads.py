"""Every overload of every library, by version: it compiles where the server has it, and not before.

`overloads.jsonl` lists the functions that k8s.io/apiserver declares for each version of Kubernetes (its first line
says which program said so). The tables of shared/data/policy are gone over too: they may hold what that list does not.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from seawall.cel import CompileError, Environment, compile_expression, functions_of
from seawall.cel.types import DYN, Type, parse_type
from support import shared

LINES = Path(__file__).with_name("overloads.jsonl").read_text(encoding="utf-8").splitlines()
OVERLOADS = [json.loads(line) for line in LINES[1:]]
OPERATORS = {
    "_?_:_": "a0 ? a1 : a2", "_[_]": "a0[a1]", "_[?_]": "a0[?a1]", "_?._": "a0.?field", "@in": "a0 in a1", "!_": "!a0",
    "-_": "-a0",
}  # fmt: skip
# of a parameter any type will do; an index is an integer
STANDS_FOR = {"A": "string", "B": "int", "K": "string", "V": "int", "T": "string"}


def a_type(text):
    for name, stands in STANDS_FOR.items():
        text = text.replace(f"<{name}>", stands)
    if "(" not in text:
        return parse_type(text)
    head, _, inner = text.partition("(")
    depth, parts, start = 0, [], 0
    for at, char in enumerate(inner[:-1]):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(inner[start:at])
            start = at + 1
    parts.append(inner[start:-1])
    return Type(head, tuple(a_type(part.strip()) for part in parts))


def expression(one):
    names = [f"a{at}" for at in range(len(one["args"]))]
    function = one["function"]
    if function in OPERATORS:
        return OPERATORS[function]
    if function.startswith("_"):
        return f"a0 {function.strip('_')} a1"
    if one["member"]:
        return f"a0.{function}({', '.join(names[1:])})"
    return f"{function}({', '.join(names)})"


def compiled(one, minor):
    variables = {f"a{at}": a_type(text) for at, text in enumerate(one["args"])}
    return compile_expression(expression(one), Environment(functions_of(minor), variables))


def title(one):
    return f"{expression(one)} of {one['args']}"


def missing_in(minor):
    found = []
    for one in OVERLOADS:
        if one["since"] > minor or minor >= one.get("until", 99):
            continue
        try:
            kind = compiled(one, minor).type
        except CompileError as error:
            found.append((title(one), error.message))
            continue
        wanted = a_type(one["result"])
        if wanted.kind != kind.kind and one["function"] != "_?._":
            found.append((title(one), str(wanted), str(kind)))
    return found


@pytest.mark.parametrize("minor", range(27, 38))
def test_every_overload_compiles_and_has_its_type(minor):
    assert missing_in(minor) == []


@pytest.mark.parametrize("minor", range(27, 38))
def test_no_overload_is_there_before_its_version_or_after_it(minor):
    have = {
        (one["function"], one["member"], tuple(one["args"]))
        for one in OVERLOADS
        if one["since"] <= minor < one.get("until", 99)
    }
    early = []
    for one in OVERLOADS:
        key = (one["function"], one["member"], tuple(one["args"]))
        if key in have or DYN in map(a_type, one["args"]):
            continue
        try:
            compiled(one, minor)
        except CompileError:
            continue
        early.append(title(one))
    assert early == []


TYPES = {
    "cel.StringType": "string", "cel.BoolType": "bool", "cel.IntType": "int", "cel.DoubleType": "double",
    "apiservercel.CIDRType": "net.CIDR", "apiservercel.IPType": "net.IP", "apiservercel.QuantityType": "kubernetes.Quantity",
    "apiservercel.SemverType": "kubernetes.Semver", "apiservercel.FormatType": "kubernetes.NamedFormat",
    "cel.ListType(paramA)": "list(string)", "paramA": "string", "cel.ListType(cel.StringType)": "list(string)",
    "cel.OptionalType(cel.ListType(cel.StringType))": "optional_type(list(string))",
}  # fmt: skip


def test_the_overloads_of_kubernetes_own_libraries():
    table = json.loads(
        shared("data", "policy", "tables", "cel-k8s-overloads.json").read_text(encoding="utf-8")
    )
    assert len(table) > 40
    different = []
    for each in table:
        # The table calls both of these after their Go function.
        function = "findAll" if each["overload"].startswith("string_find_all") else each["function"]
        args = [TYPES[text] for text in re.split(r", (?![^()]*\))", each["args"])]
        one = {"function": function, "member": each["member"], "args": args}
        try:
            kind = compiled(one, 37).type
        except CompileError as error:
            different.append((each["overload"], error.message))
            continue
        if kind != a_type(TYPES[each["returns"]]):
            different.append((each["overload"], str(kind)))
    assert different == []


LIBRARIES = {
    "urls": "url('/a').getHost()", "regex(find,findAll)": "'a'.find('a')", "lists v0": "[1].sum()", "lists v1": "[1].includes(1)",
    "authz": "a0.path('/a').check('get').allowed()", "optional types": "optional.of(1).hasValue()", "quantity": "isQuantity('1')",
    "strings v0": "'a'.trim()", "strings v2": "strings.quote('a')", "sets": "sets.contains([1], [1])", "ip": "isIP('::')",
    "cidr": "isCIDR('::/0')", "format": "format.uri().validate('')",
    "authz selectors": "a0.group('').resource('a').labelSelector('a').check('get').allowed()",
    "two-variable comprehensions": "[1].all(i, v, v == i)", "semver v1": "isSemver('v1', true)", "cel-go ext lists v3": "[2, 1].sort()",
}  # fmt: skip


def test_the_libraries_by_version():
    table = json.loads(shared("data", "policy", "tables", "cel-env.json").read_text(encoding="utf-8"))
    rows = [(row, library) for row in table["env"] for library in row.get("libs", ())]
    assert len(rows) > 15
    different = []
    for row, library in rows:
        since = max(27, int(row["min"].partition(".")[2]))
        for minor in range(27, 38):
            # What a library loses by version another has from then on: strings and lists.
            environment = Environment(
                functions_of(minor), {"a0": Type("kubernetes.authorization.Authorizer")}
            )
            try:
                compile_expression(LIBRARIES[library], environment)
                have = True
            except CompileError:
                have = False
            if have != (minor >= since):
                different.append((library, minor, have))
    assert different == []
