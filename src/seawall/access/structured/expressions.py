"""The CEL expressions of the two configurations: what they may name, what they must be, and how they are asked.

Sources: apiserver 1.34 pkg/authentication/cel/{compile,mapper}.go, pkg/authorization/cel/{compile,matcher}.go.
"""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

from seawall.cel import (
    CelError,
    CompileError,
    CostExceededError,
    Environment,
    Program,
    compile_expression,
    functions_of,
)
from seawall.cel.lexer import RESERVED
from seawall.cel.parser import parse
from seawall.cel.tree import Call, Fold, Index, ListLit, Literal, MapLit, Node, Select, StructLit
from seawall.cel.types import Type, parse_type

MINOR = 34
_OBJECTS = {
    "kubernetes.UserInfo": {
        "username": "string",
        "uid": "string",
        "groups": "list<string>",
        "extra": "map<string, list<string>>",
    },
    "kubernetes.SubjectAccessReviewSpec": {
        "resourceAttributes": "kubernetes.ResourceAttributes",
        "nonResourceAttributes": "kubernetes.NonResourceAttributes",
        "user": "string",
        "groups": "list<string>",
        "extra": "map<string, list<string>>",
        "uid": "string",
    },
    "kubernetes.ResourceAttributes": {
        "namespace": "string",
        "verb": "string",
        "group": "string",
        "version": "string",
        "resource": "string",
        "subresource": "string",
        "name": "string",
        "fieldSelector": "kubernetes.FieldSelectorAttributes",
        "labelSelector": "kubernetes.LabelSelectorAttributes",
    },
    "kubernetes.FieldSelectorAttributes": {
        "rawSelector": "string",
        "requirements": "list<kubernetes.SelectorRequirement>",
    },
    "kubernetes.LabelSelectorAttributes": {
        "rawSelector": "string",
        "requirements": "list<kubernetes.SelectorRequirement>",
    },
    "kubernetes.SelectorRequirement": {"key": "string", "operator": "string", "values": "list<string>"},
    "kubernetes.NonResourceAttributes": {"path": "string", "verb": "string"},
}
_VARIABLES = {
    "claims": "map<string, dyn>",
    "user": "kubernetes.UserInfo",
    "request": "kubernetes.SubjectAccessReviewSpec",
}
# Names that are no CEL names are written escaped (apiserver pkg/cel/escaping.go).
_ESCAPES = {"__underscores__": "__", "__dot__": ".", "__dash__": "-", "__slash__": "/"}
_KEYWORDS = RESERVED | {"true", "false", "null", "in"}
_ESCAPED = re.compile("|".join(_ESCAPES))


class ExpressionError(Exception):
    """An expression failed when it was evaluated; the message is the server's."""


class Expression(NamedTuple):
    """A compiled expression over one variable."""

    source: str
    variable: str
    program: Program
    escaped: frozenset[str]
    """Escaped field names that it uses."""

    def evaluate(self, value: Any) -> Any:
        """Return its value.

        Raises:
            ExpressionError: it failed, or cost more than a call may.
        """
        if self.escaped:
            value = _with_aliases(value, self.escaped, self.variable == "claims")
        try:
            found, _ = self.program.run({self.variable: value})
        except (CelError, CostExceededError) as error:
            raise ExpressionError(f"expression '{self.source}' resulted in error: {error}") from None
        return found


def compile_over(variable: str, source: str, *, boolean: bool, shows_type: bool = False) -> Expression | str:
    """Compile an expression over `claims`, `user` or `request`; return it, or why the server refuses it.

    `boolean` asks for that type; `shows_type` names the type that it has instead, as match conditions do.
    """
    environment = _environment(variable)
    try:
        program = compile_expression(source, environment)
    except CompileError as error:
        return f"compilation failed: {error.message}"
    if boolean and program.type != Type("bool"):
        return f"must evaluate to bool{f' but got {program.type}' if shows_type else ''}"
    fields = fields_used(source, environment)
    escaped = frozenset(field for _, field in fields if unescape(field) != field)
    return Expression(source, variable, program, escaped)


@functools.cache
def _environment(variable: str) -> Environment:
    objects = {
        name: {field: parse_type(kind) for field, kind in fields.items()} for name, fields in _OBJECTS.items()
    }
    return Environment(functions_of(MINOR), {variable: parse_type(_VARIABLES[variable])}, objects)


def fields_used(source: str, environment: Environment | None = None) -> set[tuple[str, str]]:
    """Return (name, field) of each `name.field`, `name.?field` or `has(name.field)`; the name is "" further down."""
    tree = parse(source, (environment or _environment("claims")).functions.macros)
    found: set[tuple[str, str]] = set()
    stack: list[Node | None] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Select):
            found.add((getattr(node.operand, "name", ""), node.field))
        stack += _children(node)
    return found


def _children(node: Node | None) -> list[Node | None]:
    match node:
        case Select():
            return [node.operand]
        case Index():
            return [node.operand, node.key]
        case Call():
            return [*node.args, node.target]
        case ListLit():
            return [*node.items]
        case MapLit():
            return [each for key, value, _ in node.entries for each in (key, value)]
        case StructLit():
            return [value for _, value, _ in node.entries]
        case Fold():
            return [node.source, node.step, node.test]
        case Literal():
            return []
    return []


def unescape(name: str) -> str:
    """Return the field that an escaped name stands for (cel.Unescape)."""
    if name.startswith("__") and name.endswith("__") and name[2:-2] in _KEYWORDS:
        return name[2:-2]
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0]], name)


def _with_aliases(value: Any, escaped: frozenset[str], top: bool) -> Any:
    """Show fields under their escaped names too. Claims at the top are known by their own names only (oidc.go)."""
    if isinstance(value, list):
        return [_with_aliases(each, escaped, False) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: _with_aliases(each, escaped, False) for key, each in value.items()}
    if not top:
        for name in escaped:
            if unescape(name) in made:
                made.setdefault(name, made[unescape(name)])
    return made
