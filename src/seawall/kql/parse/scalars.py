"""Expressions: a Pratt parser with the precedence of Kusto's grammar (docs: query/scalar-operators).

or < and < equality, membership, between < relational < additive < multiplicative < string operators < unary.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.kql import temporal
from seawall.kql.errors import Fault
from seawall.kql.lexer import END, NAME, NUMBER, OP, STRING, TYPED, Token
from seawall.kql.parse.cursor import Cursor, literal
from seawall.kql.tree import (
    Between,
    Binary,
    Call,
    Dot,
    Expr,
    Index,
    InList,
    Lit,
    Name,
    Named,
    Pipeline,
    Star,
    Sub,
    TypeOf,
    Unary,
    Wild,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD_OPS = {
    word: 7
    for base in (
        "has", "has_cs", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs", "contains", "contains_cs",
        "startswith", "startswith_cs", "endswith", "endswith_cs",
    )
    for word in (base, "!" + base)
} | {"matches": 7, "like": 7, "notlike": 7, "likecs": 7, "notlikecs": 7}  # fmt: skip
_LIST_OPS = ("in", "!in", "in~", "!in~", "has_any", "has_all")

PRECEDENCE: dict[str, int] = {
    "or": 1, "and": 2,
    "==": 3, "!=": 3, "<>": 3,
    **dict.fromkeys(_LIST_OPS, 3), "between": 3, "!between": 3,
    "<": 4, ">": 4, "<=": 4, ">=": 4,
    "+": 5, "-": 5,
    "*": 6, "/": 6, "%": 6,
    "=~": 7, "!~": 7, ":": 7, **_WORD_OPS,
}  # fmt: skip

_SPELLING = {"<>": "!=", ":": "has"}


class ScalarParser(Cursor):
    """Reads expressions."""

    def expression(self, floor: int = 1) -> Expr:
        """Read an expression whose operators bind at least as tightly as `floor`."""
        self.depth += 1
        if self.depth > 120:
            raise Fault("the query is nested more than 120 levels deep", self.now.pos, kind="limit")
        left = self.unary()
        tokens = self.tokens
        while True:
            token = tokens[self.at]
            rank = PRECEDENCE.get(token.text, 0)
            if rank < floor or rank == 0 or token.kind not in (OP, NAME):
                break
            op = token.text
            if op == ":" and not isinstance(left, Name | Dot | Index | Star):
                break
            self.at += 1
            if op in _LIST_OPS:
                left = InList(token.pos, op, left, self.list_items())
            elif op in ("between", "!between"):
                left = self.between(token, left)
            else:
                if op == "matches":
                    self.expect_word("regex")
                    op = "matches regex"
                right = self.expression(rank + 1)
                left = Binary(token.pos, _SPELLING.get(op, op), left, right)
        self.depth -= 1
        return left

    def between(self, token: Token, left: Expr) -> Between:
        """Read `(low .. high)`."""
        self.expect("(")
        low = self.expression(5)
        self.expect("..")
        high = self.expression(5)
        self.expect(")")
        return Between(token.pos, token.text[0] == "!", left, low, high)

    def list_items(self) -> tuple[Expr, ...]:
        """Read the right side of `in`: values, or one table."""
        if not self.is_op("("):
            return (self.unary(),)
        self.expect("(")
        items: list[Expr] = []
        while not self.is_op(")"):
            item = self.expression()
            if self.is_op("|"):
                item = Sub(item.pos, self.continue_pipeline(item))
            items.append(item)
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(items)

    def unary(self) -> Expr:
        """Read a value with its signs and its path steps."""
        token = self.now
        if token.kind == OP and token.text in ("-", "+"):
            self.at += 1
            self.enter()
            value = self.unary()
            self.leave()
            if token.text == "-" and isinstance(value, Lit) and value.type in ("long", "real", "timespan"):
                return Lit(token.pos, value.type, -value.value)
            return Unary(token.pos, token.text, value)
        return self.postfix(self.primary())

    def postfix(self, value: Expr) -> Expr:
        """Read the path steps behind a value: `.key`, `['key']`, `.['key']`, `[0]`, `.[0]`, and calls on a path."""
        while True:
            token = self.now
            if token.kind != OP:
                return value
            if token.text == ".":
                after = self.ahead()
                if after.text == "[":
                    self.at += 1
                    continue
                if after.kind not in (NAME, TYPED):
                    raise self.fail("a property name", after)
                self.at += 2
                if after.kind == TYPED:
                    raise Fault("a property cannot be called", after.pos, kind="syntax")
                if self.is_op("(") and self.tokens[self.at].pos == after.end:
                    call = self.call(after)
                    value = Call(call.pos, f".{call.name}", (value, *call.args))
                else:
                    value = Dot(after.pos, value, after.text)
            elif token.text == "[":
                if token.pos > self.tokens[self.at - 1].end and "\n" in self.text[self.tokens[self.at - 1].end : token.pos]:  # fmt: skip
                    return value
                self.at += 1
                index = self.expression()
                self.expect("]")
                value = Index(token.pos, value, index)
            else:
                return value

    def primary(self) -> Expr:
        """Read a value without signs and path steps."""
        token = self.now
        kind = token.kind
        if kind == NAME:
            return self.named_primary(token)
        if kind in (NUMBER, TYPED):
            self.at += 1
            return literal(token)
        if kind == STRING:
            self.at += 1
            if self.now.kind != STRING:
                return literal(token)
            text = str(token.value)  # adjacent string literals are one string
            while self.now.kind == STRING:
                text += str(self.now.value)
                self.at += 1
            return Lit(token.pos, "string", text)
        if token.text == "(":
            return self.parenthesis()
        if token.text == "[" and self.ahead().kind == STRING and self.ahead(2).text == "]":
            name = self.name()
            if self.is_op("("):
                return self.call(Token(NAME, name, token.pos, token.end))
            return Name(token.pos, name)
        if token.text == "*":
            self.at += 1
            return Star(token.pos)
        raise self.fail("a value")

    def named_primary(self, token: Token) -> Expr:
        """Read what begins with a word: a literal, a call, a typeof, a dynamic, a name."""
        text = token.text
        if text[0] == "!" or text[-1] == "~":
            raise self.fail("a value")
        self.at += 1
        after = self.tokens[self.at]
        if after.text == "(" and after.kind == OP:
            if text == "dynamic":
                return self.dynamic(token)
            if text == "typeof":
                return self.typeof(token)
            return self.call(token)
        if text in ("true", "false"):
            return Lit(token.pos, "bool", text == "true")
        if text == "null":
            raise Fault("a null has a type", token.pos, kind="syntax", expected="int(null), dynamic(null), datetime(null) ...")  # fmt: skip
        if after.text == "*" and after.pos == token.end and self._wild_follows():
            return self.wild(token)
        return Name(token.pos, text)

    def _wild_follows(self) -> bool:
        # `Custom*` as a name: nothing that could be the right operand of a product follows.
        token = self.ahead()
        return token.kind == END or (token.kind == OP and token.text in (",", ")", "|", ";", "*"))

    def wild(self, token: Token) -> Expr:
        """Read a name pattern such as `Custom*` or `a*b*`."""
        end = token.end
        while self.now.pos == end and (self.is_op("*") or self.now.kind == NAME):
            end = self.now.end
            self.at += 1
        return Wild(token.pos, self.text[token.pos : end])

    def parenthesis(self) -> Expr:
        """Read `(value)` or `(query)`."""
        start = self.expect("(")
        self.enter()
        inner = self.query_or_value()
        self.leave()
        self.expect(")")
        return inner if isinstance(inner, Expr) else Sub(start.pos, inner)

    def query_or_value(self) -> Expr | Pipeline:
        """Read what may be a pipeline or a value."""
        if self.starts_operator():
            return self.pipeline()
        value = self.expression()
        return self.continue_pipeline(value) if self.is_op("|") else value

    def call(self, token: Token) -> Call:
        """Read the arguments of a call."""
        self.expect("(")
        self.enter()
        args: list[Expr] = []
        while not self.is_op(")"):
            args.append(self.argument())
            if not self.accept(","):
                break
        self.leave()
        self.expect(")")
        return Call(token.pos, token.text, tuple(args))

    def argument(self) -> Expr:
        """Read one argument: a value, a query, `*`, or `name = value`."""
        token = self.now
        if token.kind == NAME and self.ahead().text == "=" and self.ahead().kind == OP:
            self.at += 2
            value = self.query_or_value()
            return Named(
                token.pos, (token.text,), value if isinstance(value, Expr) else Sub(value.pos, value)
            )
        value = self.query_or_value()
        return value if isinstance(value, Expr) else Sub(token.pos, value)

    def typeof(self, token: Token) -> TypeOf:
        """Read `typeof(long)` or `typeof(*, a:long)`."""
        self.expect("(")
        columns: list[tuple[str, str]] = []
        while not self.is_op(")"):
            if self.accept("*"):
                columns.append(("*", "*"))
            elif self.ahead().text == ":":
                name = self.name()
                self.expect(":")
                columns.append((name, self.type_name()))
            else:
                columns.append(("", self.type_name()))
            if not self.accept(","):
                break
        self.expect(")")
        return TypeOf(token.pos, tuple(columns))

    def dynamic(self, token: Token) -> Lit:
        """Read `dynamic(...)`."""
        self.expect("(")
        value = self.json()
        self.expect(")")
        return Lit(token.pos, "dynamic", value)

    def json(self) -> Any:
        """Read a JSON value, in which Kusto also allows single quotes and typed literals."""
        token = self.now
        self.at += 1
        if token.kind == STRING:
            texts = [str(token.value)]
            while self.now.kind == STRING:  # texts side by side are one
                texts.append(str(self.now.value))
                self.at += 1
            return "".join(texts)
        if token.kind == NUMBER and token.type in ("long", "real"):
            return token.value
        if token.kind in (NUMBER, TYPED):
            return json_scalar(token.type, token.value)
        if token.kind == OP and token.text == "-":
            number = self.json()
            if isinstance(number, int | float):
                return -number
            raise self.fail("a number", token)
        if token.kind == NAME and token.text in ("true", "false", "null"):
            return {"true": True, "false": False}.get(token.text)
        if token.text == "dynamic" and self.is_op("("):
            return self.dynamic(token).value
        self.enter()
        try:
            if token.text == "[":
                return self.json_list()
            if token.text == "{":
                return self.json_bag()
        finally:
            self.leave()
        raise self.fail("a JSON value", token)

    def json_list(self) -> list[Any]:
        """Read what follows `[`."""
        out: list[Any] = []
        while not self.accept("]"):
            out.append(self.json())
            if not self.is_op("]"):
                self.expect(",")
        return out

    def json_bag(self) -> dict[str, Any]:
        """Read what follows `{`."""
        out: dict[str, Any] = {}
        while not self.accept("}"):
            key = self.now
            if key.kind not in (STRING, NAME):
                raise self.fail("a property name in quotes")
            self.at += 1
            self.expect(":")
            out[str(key.value) if key.kind == STRING else key.text] = self.json()
            if not self.is_op("}"):
                self.expect(",")
        return out

    pipeline: Callable[[], Pipeline]
    continue_pipeline: Callable[[Expr], Pipeline]
    starts_operator: Callable[[], bool]


def json_scalar(type_: str, value: Any) -> Any:
    """Write a typed value as it stands in a dynamic literal; a timespan by its ticks (duckdb-kql, measured)."""
    if value is None:
        return None
    if type_ == "datetime":
        return temporal.format_datetime(value)
    if type_ == "real" and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if type_ == "decimal":
        return msgspec.Raw(value.encode())
    return value
