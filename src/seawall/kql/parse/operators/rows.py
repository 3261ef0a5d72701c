"""Operators over the rows of one table: where, project and its variants, summarize, sort, take, top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lexer import END, NAME, STRING
from seawall.kql.parse.scalars import ScalarParser
from seawall.kql.tree import (
    CountRows,
    Expr,
    Named,
    Operator,
    Project,
    SampleDistinct,
    Sort,
    SortKey,
    Star,
    Summarize,
    Take,
    Top,
    TopHitters,
    TopLevel,
    TopNested,
    Where,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class RowParser(ScalarParser):
    """Reads operators over one table."""

    operator: Callable[[], Operator]
    steps: Callable[[], tuple[Operator, ...]]

    def op_where(self, pos: int) -> Operator:
        """`where`."""
        self.options({})
        return Where(pos, self.expression())

    def items(self) -> tuple[Expr, ...]:
        """Read a list of `expression` or `name = expression`."""
        out = [self.item()]
        while self.accept(","):
            out.append(self.item())
        return tuple(out)

    def item(self) -> Expr:
        """Read `expression`, `name = expression` or `(a, b) = expression`."""
        token = self.now
        if token.kind == NAME or token.text == "[":
            mark = self.at
            if token.kind == NAME:
                self.at += 1
            elif self.ahead().kind == STRING and self.ahead(2).text == "]":
                self.at += 3
            if self.at > mark and self.is_op("="):
                self.at += 1
                name = token.text if token.kind == NAME else str(self.tokens[mark + 1].value)
                return Named(token.pos, (name,), self.expression())
            self.at = mark
        elif token.text == "(":
            names = self.name_tuple()
            if names:
                return Named(token.pos, names, self.expression(), listed=True)
        return self.expression()

    def name_tuple(self) -> tuple[str, ...]:
        """Read `(a, b) =`; nothing is read when it is something else."""
        mark = self.at
        self.at += 1
        names: list[str] = []
        while self.now.kind == NAME or (self.now.text == "[" and self.ahead().kind == STRING):
            names.append(self.name())
            if not self.accept(","):
                break
        if names and self.accept(")") and self.is_op("="):
            self.at += 1
            return tuple(names)
        self.at = mark
        return ()

    def order(self) -> str:
        """Read how a pattern's columns are sorted; nothing where they are not."""
        word, count = self.hyphenated() if self.now.kind == NAME else ("", 0)
        if word not in ("asc", "desc", "granny-asc", "granny-desc"):
            return ""
        self.at += count
        return word

    @staticmethod
    def projecting(mode: str) -> Callable[[RowParser, int], Operator]:
        """Make the reader of a project variant."""

        def read(self: RowParser, pos: int) -> Operator:
            if mode in ("extend", "project"):
                self.options({})
            if mode == "reorder":
                items: list[Expr] = []
                orders: list[str] = []
                while True:
                    items.append(self.pattern())
                    orders.append(self.order())
                    if not self.accept(","):
                        return Project(pos, mode, tuple(items), tuple(orders))
            if mode in ("away", "keep"):
                patterns = [self.pattern()]
                while self.accept(","):
                    patterns.append(self.pattern())
                return Project(pos, mode, tuple(patterns))
            if mode == "distinct":
                self.options({})
            return Project(pos, mode, self.items())

        return read

    def pattern(self) -> Expr:
        """Read a column name, a pattern of names, or `*`."""
        token = self.now
        if token.kind == NAME and self.ahead().text == "*" and self.ahead().pos == token.end:
            self.at += 1
            return self.wild(token)
        if token.text == "*":
            self.at += 1
            if self.now.kind == NAME and self.now.pos == token.end:
                return self.wild(token)
            return Star(token.pos)
        return self.expression()

    def op_summarize(self, pos: int) -> Operator:
        """`summarize`."""
        self.options({})
        aggregates: tuple[Expr, ...] = ()
        if not self.is_word("by") and self.now.kind != END and not self.is_op("|") and not self.is_op(")"):
            aggregates = self.items()
        keys: tuple[Expr, ...] = ()
        if self.accept_word("by"):
            keys = self.items()
        return Summarize(pos, aggregates, keys)

    def sort_keys(self) -> tuple[SortKey, ...]:
        """Read `expression [asc|desc] [nulls first|last], ...`."""
        out: list[SortKey] = []
        while True:
            start = self.now.pos
            value = self.item()
            down = self.accept_word("asc", "desc") != "asc"
            nulls = ""
            if self.accept_word("nulls"):
                nulls = self.accept_word("first", "last")
                if not nulls:
                    raise self.fail("first or last")
            out.append(SortKey(start, value, down, nulls))
            if not self.accept(","):
                return tuple(out)

    def op_sort(self, pos: int) -> Operator:
        """`sort by`."""
        self.options({})
        self.expect_word("by")
        return Sort(pos, self.sort_keys())

    def op_take(self, pos: int) -> Operator:
        """`take`."""
        return Take(pos, self.expression())

    def op_sample(self, pos: int) -> Operator:
        """`sample`."""
        return Take(pos, self.expression(), "sample")

    def op_sample_distinct(self, pos: int) -> Operator:
        """`sample-distinct`."""
        count = self.expression()
        self.expect_word("of")
        return SampleDistinct(pos, count, self.expression())

    def op_top(self, pos: int) -> Operator:
        """`top`."""
        self.options({})
        count = self.expression()
        self.expect_word("by")
        return Top(pos, count, self.sort_keys())

    def op_top_hitters(self, pos: int) -> Operator:
        """`top-hitters`."""
        count = self.expression()
        self.expect_word("of")
        column = self.item()
        return TopHitters(pos, count, column, self.expression() if self.accept_word("by") else None)

    def op_top_nested(self, pos: int) -> Operator:
        """`top-nested`."""
        levels: list[TopLevel] = []
        while True:
            start = self.now.pos
            count = None if self.is_word("of") else self.expression()
            self.expect_word("of")
            column = self.item()
            others = None
            if self.accept_word("with"):
                self.expect_word("others")
                self.expect("=")
                others = self.expression()
            self.expect_word("by")
            key = self.item()
            down = self.accept_word("asc", "desc") != "asc"
            levels.append(TopLevel(start, count, column, others, key, down))
            if not self.accept(","):
                return TopNested(pos, tuple(levels))
            self.accept_word("top-nested")
            if self.is_word("top") and self.hyphenated()[0] == "top-nested":
                self.at += 3

    def op_count(self, pos: int) -> Operator:
        """`count`."""
        if self.accept_word("as"):
            return CountRows(pos, self.name())
        return CountRows(pos, "Count")
