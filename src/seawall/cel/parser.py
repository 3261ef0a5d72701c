"""Tokens to a tree, macros expanded (langdef.md, "Syntax" and "Macros").

Precedence climbing. Depth and size are bounded: an expression comes from whoever may write a policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.cel.errors import CompileError, Problem
from seawall.cel.lexer import Token, is_reserved, tokens
from seawall.cel.tree import Call, Fold, Ident, Index, ListLit, Literal, MapLit, Node, Select, StructLit
from seawall.cel.types import BOOL, BYTES, DOUBLE, INT, NULL, STRING, UINT

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_DEPTH = 250  # cel-go's maxRecursionDepth
MAX_SIZE = 100_000  # cel-go's expressionSizeCodePointLimit

_BINARY = {
    "||": 1, "&&": 2, "<": 3, "<=": 3, ">": 3, ">=": 3, "==": 3, "!=": 3, "in": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}  # fmt: skip
# name -> numbers of arguments, the variables among them
_FOLDS = {
    "all": {2: 1, 3: 2},
    "exists": {2: 1, 3: 2},
    "exists_one": {2: 1, 3: 2},
    "existsOne": {3: 2},
    "map": {2: 1, 3: 1},
    "filter": {2: 1},
    "transformList": {3: 2, 4: 2},
    "transformMap": {3: 2, 4: 2},
    "transformMapEntry": {3: 2, 4: 2},
    "optMap": {2: 1},
    "optFlatMap": {2: 1},
    "sortBy": {2: 1},
}
ALL_MACROS = frozenset(_FOLDS) | {"two-variables"}


def parse(text: str, macros: Collection[str] = ALL_MACROS) -> Node:
    """Parse an expression.

    Args:
        text: the expression.
        macros: the names of the macros that the environment has; `two-variables` allows all, exists and
            exists_one over two.

    Raises:
        CompileError: what is wrong and where.
    """
    try:
        if len(text) > MAX_SIZE:
            raise Problem(0, f"expression code point size exceeds limit: size: {len(text)}, limit {MAX_SIZE}")
        return _Parser(tokens(text), macros).whole()
    except Problem as problem:
        raise CompileError(text, [(problem.offset, problem.text)]) from None
    except RecursionError:
        raise CompileError(text, [(0, "expression recursion limit exceeded")]) from None


class _Parser:
    def __init__(self, found: list[Token], macros: Collection[str]) -> None:
        self.tokens = found
        self.macros = macros
        self.position = 0
        self.depth = 0

    # ---- tokens ----

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.tokens[self.position]
        self.position += 1
        return token

    def accept(self, kind: str) -> bool:
        if self.tokens[self.position].kind == kind:
            self.position += 1
            return True
        return False

    def expect(self, kind: str) -> Token:
        if self.token.kind != kind:
            raise self.unexpected(f"expecting '{kind}'")
        return self.take()

    def unexpected(self, more: str = "") -> Problem:
        token = self.token
        shown = "<EOF>" if token.kind == "end" else str(token.value)
        return Problem(token.at, f"Syntax error: mismatched input '{shown}'" + (f" {more}" if more else ""))

    # ---- grammar ----

    def whole(self) -> Node:
        node = self.expression()
        if self.token.kind != "end":
            raise self.unexpected("expecting <EOF>")
        return node

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Problem(self.token.at, f"expression recursion limit exceeded: {MAX_DEPTH}")
        node = self.binary(1)
        if self.token.kind == "?":
            at = self.take().at
            yes = self.binary(1)
            self.expect(":")
            node = Call(at, "_?_:_", [node, yes, self.expression()])
        self.depth -= 1
        return node

    def binary(self, lowest: int) -> Node:
        left = self.unary()
        while (strength := _BINARY.get(self.token.kind, 0)) >= lowest:
            operator = self.take()
            right = self.binary(strength + 1)
            left = Call(operator.at, f"_{operator.kind}_", [left, right])
        return left

    def unary(self) -> Node:
        token = self.token
        if token.kind == "!":
            count = 0
            while self.accept("!"):
                count += 1
            node = self.member()
            # An even number of signs is none (the grammar of cel-go says so).
            return Call(token.at, "!_", [node]) if count % 2 else node
        if token.kind == "-":
            following = self.tokens[self.position + 1].kind
            if following in {"int", "double"}:
                return self.member()
            count = 0
            while self.accept("-"):
                count += 1
            node = self.member()
            return Call(token.at, "-_", [node]) if count % 2 else node
        return self.member()

    def member(self) -> Node:
        node = self.primary()
        while True:
            token = self.token
            if token.kind == ".":
                self.take()
                optional = self.accept("?")
                name = self.take()
                if name.kind not in {"ident", "escaped"}:
                    self.position -= 1
                    raise self.unexpected("expecting IDENTIFIER")
                if self.token.kind == "(" and not optional and name.kind == "ident":
                    at = self.take().at
                    node = self.method(at, node, str(name.value), self.arguments(")"))
                else:
                    node = Select(token.at, node, str(name.value), optional=optional)
            elif token.kind == "[":
                self.take()
                optional = self.accept("?")
                key = self.expression()
                self.expect("]")
                node = Index(token.at, node, key, optional=optional)
            else:
                return node

    def arguments(self, end: str) -> list[Node]:
        found: list[Node] = []
        if self.accept(end):
            return found
        while True:
            found.append(self.expression())
            if self.accept(end):
                return found
            self.expect(",")

    def primary(self) -> Node:
        token = self.take()
        match token.kind:
            case "(":
                node = self.expression()
                self.expect(")")
                return node
            case "[":
                return self.list_literal(token.at)
            case "{":
                return self.map_literal(token.at)
            case "-" | "int" | "double":
                return self.number(token)
            case "uint":
                return Literal(token.at, token.value, UINT)
            case "string":
                return Literal(token.at, token.value, STRING)
            case "bytes":
                return Literal(token.at, token.value, BYTES)
            case "literal":
                return Literal(token.at, token.value, NULL if token.value is None else BOOL)
            case "." | "ident":
                rooted = token.kind == "."
                if rooted:
                    token = self.expect("ident")
                return self.named(token, rooted=rooted)
        self.position -= 1
        raise self.unexpected()

    def number(self, token: Token) -> Node:
        sign = 1
        at = token.at
        if token.kind == "-":
            sign, token = -1, self.take()
        value = sign * token.value
        if token.kind == "double":
            return Literal(at, value, DOUBLE)
        if not -(2**63) <= value < 2**63:
            raise Problem(at, "invalid int literal")
        return Literal(at, value, INT)

    def named(self, token: Token, *, rooted: bool) -> Node:
        name = str(token.value)
        if is_reserved(name):
            raise Problem(token.at, f"reserved identifier: {name}")
        if self.token.kind == "(":
            at = self.take().at
            args = self.arguments(")")
            if name == "has" and len(args) == 1 and not rooted:
                return self.presence(at, args[0])
            return Call(at, f".{name}" if rooted else name, args)
        # `a.b.C{...}`: look ahead for a chain of names that ends in a brace.
        ahead, names = self.position, [name]
        while self.tokens[ahead].kind == "." and self.tokens[ahead + 1].kind == "ident":
            names.append(str(self.tokens[ahead + 1].value))
            ahead += 2
        if self.tokens[ahead].kind == "{":
            self.position = ahead + 1
            return self.struct_literal(token.at, ".".join(names))
        return Ident(token.at, name, rooted=rooted)

    def presence(self, at: int, operand: Node) -> Node:
        if not isinstance(operand, Select) or operand.test or operand.optional:
            raise Problem(at, "invalid argument to has() macro")
        return Select(at, operand.operand, operand.field, test=True)

    # ---- aggregates ----

    def list_literal(self, at: int) -> Node:
        items: list[Node] = []
        optional: list[int] = []
        while not self.accept("]"):
            if self.accept("?"):
                optional.append(len(items))
            items.append(self.expression())
            if not self.accept(","):
                self.expect("]")
                break
        return ListLit(at, items, frozenset(optional))

    def map_literal(self, at: int) -> Node:
        entries: list[tuple[Node, Node, bool]] = []
        while not self.accept("}"):
            optional = self.accept("?")
            key = self.expression()
            self.expect(":")
            entries.append((key, self.expression(), optional))
            if not self.accept(","):
                self.expect("}")
                break
        return MapLit(at, entries)

    def struct_literal(self, at: int, name: str) -> Node:
        entries: list[tuple[str, Node, bool]] = []
        while not self.accept("}"):
            optional = self.accept("?")
            field = self.take()
            if field.kind not in {"ident", "escaped", "in"}:
                self.position -= 1
                raise self.unexpected("expecting a field name")
            self.expect(":")
            entries.append((str(field.value), self.expression(), optional))
            if not self.accept(","):
                self.expect("}")
                break
        return StructLit(at, name, entries)

    # ---- macros ----

    def method(self, at: int, target: Node, name: str, args: list[Node]) -> Node:
        forms = _FOLDS.get(name)
        count = forms.get(len(args)) if forms and name in self.macros else None
        if count is None or (count == 2 and "two-variables" not in self.macros):
            return Call(at, name, args, target)
        if name == "sortBy" and not isinstance(target, (ListLit, Select, Ident, Fold, Call, Index)):
            raise Problem(
                at,
                "sortBy can only be applied to a list, identifier, comprehension, call or select expression",
            )
        if name.startswith("opt"):
            count = 1
        variables: list[str] = []
        for arg in args[:count]:
            if not isinstance(arg, Ident) or arg.rooted:
                raise Problem(arg.at, "argument must be a simple name")
            if arg.name in {"__result__", "@result"}:
                raise Problem(arg.at, "iteration variable overwrites accumulator variable")
            if arg.name in variables:
                raise Problem(arg.at, f"duplicate variable name: {arg.name}")
            variables.append(arg.name)
        rest = args[count:]
        test = rest[0] if len(rest) == 2 else None
        kind = "exists_one" if name == "existsOne" else name
        return Fold(at, kind, target, tuple(variables), rest[-1], test)
