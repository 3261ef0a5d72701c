"""Operators over several tables: join, lookup, union, search, find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.errors import refuse
from seawall.kql.lexer import NAME
from seawall.kql.parse.operators.rows import RowParser
from seawall.kql.tree import Expr, JoinOp, Named, Operator, Pipeline, Search, Star, Sub, Union

if TYPE_CHECKING:
    from collections.abc import Callable


class TableParser(RowParser):
    """Reads operators over several tables."""

    def table_operand(self) -> Expr | Pipeline:
        """Read a table that stands to the right: a name, a call, or a query in parentheses."""
        if self.is_op("("):
            inner = self.postfix(self.parenthesis())
            return inner.query if isinstance(inner, Sub) else inner
        return self.postfix(self.primary())

    @staticmethod
    def joining(mode: str) -> Callable[[TableParser, int], Operator]:
        """Make the reader of join and lookup."""

        def read(self: TableParser, pos: int) -> Operator:
            options = self.options({"kind": "value", "withsource": "value"})
            right = self.table_operand()
            on: tuple[Expr, ...] = ()
            if self.accept_word("on"):
                on = self.items()
            elif self.accept_word("where"):
                raise refuse("join ... where", pos)
            else:
                raise self.fail("'on' and the join's keys")
            strategy = options.get("hint.strategy") or options.get("hint.remote") or ""
            return JoinOp(pos, mode, str(options.get("kind", "")), right, on, str(strategy))

        return read

    def op_union(self, pos: int) -> Operator:
        """`union`."""
        options = self.options(
            {"kind": "value", "withsource": "value", "with_source": "value", "isfuzzy": "value"}
        )
        tables: list[Expr] = []
        while True:
            token = self.now
            if token.text == "(":
                tables.append(self.postfix(self.parenthesis()))
            else:
                tables.append(self.postfix(self.pattern_primary()))
            if not self.accept(","):
                break
        source = options.get("withsource") or options.get("with_source") or ""
        fuzzy = str(options.get("isfuzzy", "")).lower() == "true"
        return Union(pos, str(options.get("kind", "outer")), str(source), fuzzy, tuple(tables))

    def pattern_primary(self) -> Expr:
        """Read a table name or a pattern of table names."""
        token = self.now
        if token.kind == NAME and self.ahead().text == "*" and self.ahead().pos == token.end:
            self.at += 1
            return self.wild(token)
        if token.text == "*":
            self.at += 1
            return Star(token.pos)
        return self.primary()

    @staticmethod
    def searching(mode: str) -> Callable[[TableParser, int], Operator]:
        """Make the reader of search and find."""

        def read(self: TableParser, pos: int) -> Operator:
            options = self.options({"kind": "value", "withsource": "value", "datascope": "value"})
            tables: list[Expr] = []
            if self.accept_word("in"):
                self.expect("(")
                while True:
                    tables.append(self.pattern_primary())
                    if not self.accept(","):
                        break
                self.expect(")")
            if mode == "find":
                self.accept_word("where")
            predicate = self.expression()
            project: tuple[Expr, ...] | None = None
            if mode == "find":
                word, count = self.hyphenated() if self.now.kind == NAME else ("", 0)
                if word == "project":
                    self.at += count
                    project = self.find_columns()
                elif word == "project-smart":
                    self.at += count
                elif word == "project-away":
                    raise refuse(f"find ... {word}", pos)
            kind = str(options.get("kind", "case_insensitive"))
            return Search(
                pos, mode, kind, tuple(tables), predicate, project, str(options.get("withsource", ""))
            )

        return read

    def find_columns(self) -> tuple[Expr, ...]:
        """Read the columns of `find ... project`: names, names with types, `pack(*)`."""
        out: list[Expr] = []
        while True:
            value = self.primary()
            if self.accept(":"):
                value = Named(value.pos, (self.type_name(),), value)
            out.append(value)
            if not self.accept(","):
                return tuple(out)
