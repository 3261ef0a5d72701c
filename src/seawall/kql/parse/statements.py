"""Statements: let, set, declare, and the query that they serve."""

from __future__ import annotations

from seawall.kql.errors import Fault, refuse
from seawall.kql.lexer import END, NAME
from seawall.kql.parse.operators import OperatorParser
from seawall.kql.tree import (
    Declare,
    Expr,
    Lambda,
    Let,
    Name,
    Pipeline,
    Query,
    SetOption,
    Statement,
)


class StatementParser(OperatorParser):
    """Reads a whole text."""

    def query(self) -> Query:
        """Read statements up to the end; exactly one of them is the query."""
        body: Pipeline | None = None
        statements: list[Statement] = []
        while self.now.kind != END:
            if self.accept(";"):
                continue
            start = self.now
            statement = self.statement()
            if isinstance(statement, Statement):
                statements.append(statement)
            else:
                if body is not None:
                    raise refuse("more than one query in a text", start.pos)
                body = statement
            if self.now.kind != END:
                self.expect(";")
        if body is None:
            raise Fault("there is no query here", self.now.pos, kind="syntax", expected="a table name, or an operator such as where")  # fmt: skip
        return Query(0, tuple(statements), body)

    def statement(self) -> Statement | Pipeline:
        """Read one statement."""
        token = self.now
        after = self.ahead()
        if token.kind == NAME and after.text not in ("|", ";", "=", "==", ".", ",") and after.kind != END:
            if token.text == "let":
                return self.let()
            if token.text == "set":
                return self.set_option()
            if token.text == "declare" and after.text in ("query_parameters", "pattern"):
                return self.declare()
            if token.text in ("alias", "restrict") and after.kind == NAME:
                raise refuse(f"the statement {token.text}", token.pos)
        return self.pipeline()

    def let(self) -> Let:
        """Read `let name = value`, where value is a scalar, a table, or a function."""
        pos = self.expect_word("let").pos
        name = self.name("a name")
        self.expect("=")
        if self.is_word("view") and self.ahead().text == "(":
            self.at += 1
            return Let(pos, name, self.function(view=True))
        if self.is_op("(") and self.is_function():
            return Let(pos, name, self.function())
        value = self.query_or_value()
        return Let(pos, name, value)

    def is_function(self) -> bool:
        """Tell a function's parameters from a value in parentheses: `() {` or `(name:`."""
        after = self.ahead()
        if after.text == ")":
            return self.ahead(2).text == "{"
        return after.kind == NAME and self.ahead(2).text == ":"

    def function(self, *, view: bool = False) -> Lambda:
        """Read `(params) { statements; result }`."""
        pos = self.now.pos
        params = self.params()
        self.expect("{")
        self.enter()
        body: list[Statement] = []
        result: Expr | Pipeline | None = None
        while not self.is_op("}"):
            if self.accept(";"):
                continue
            start = self.now
            if start.kind == NAME and start.text == "let" and self.ahead().kind == NAME:
                body.append(self.let())
            elif start.kind == NAME and start.text == "set" and self.ahead().kind == NAME:
                body.append(self.set_option())
            else:
                if result is not None:
                    raise self.fail("'}'", start)
                result = self.query_or_value()
            if not self.is_op("}"):
                self.expect(";")
        self.leave()
        self.expect("}")
        if result is None:
            raise Fault("this function has no result", pos, kind="syntax")
        return Lambda(pos, params, tuple(body), result, view)

    def set_option(self) -> SetOption:
        """Read `set name [= value]`."""
        pos = self.expect_word("set").pos
        name = self.name()
        value = None
        if self.accept("="):
            if self.now.kind == NAME and self.ahead().text != "(":
                self.option_value()
            else:
                value = self.expression()
        return SetOption(pos, name, value)

    def declare(self) -> Declare:
        """Read `declare query_parameters(...)`."""
        pos = self.expect_word("declare").pos
        if self.accept_word("pattern"):
            raise refuse("declare pattern", pos)
        self.expect_word("query_parameters")
        return Declare(pos, self.params())


def parse(text: str) -> Query:
    """Parse a query.

    Raises:
        Fault: with the offset of what cannot stand there, and what was expected.
    """
    return StatementParser(text).query()


__all__ = ["Name", "StatementParser", "parse"]
