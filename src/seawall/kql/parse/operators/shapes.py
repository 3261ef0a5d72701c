"""Operators that make or change a shape: evaluate, make-series, scan, partition, print, range, datatable, render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.errors import Fault, refuse
from seawall.kql.lexer import END, NAME, OP
from seawall.kql.parse.operators.values import ValueParser
from seawall.kql.tree import (
    As,
    Call,
    Consume,
    DataTable,
    Evaluate,
    Expr,
    GetSchema,
    Invoke,
    MakeSeries,
    Name,
    Named,
    Operator,
    Param,
    Partition,
    Print,
    RangeOp,
    Render,
    Scan,
    ScanStep,
    Serialize,
    SortKey,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.lexer import Token


class ShapeParser(ValueParser):
    """Reads the other operators."""

    def op_evaluate(self, pos: int) -> Operator:
        """`evaluate`."""
        self.options({})
        token = self.now
        if token.kind != NAME or self.ahead().text != "(":
            raise self.fail("a plugin, as in evaluate bag_unpack(column)")
        self.at += 1
        call = self.call(token)
        schema: tuple[tuple[str, str], ...] | None = None
        if self.accept(":"):
            schema = self.schema()
        return Evaluate(pos, call, schema)

    def schema(self) -> tuple[tuple[str, str], ...]:
        """Read `(*, name:type, ...)`."""
        self.expect("(")
        out: list[tuple[str, str]] = []
        while not self.is_op(")"):
            if self.accept("*"):
                out.append(("*", "*"))
            else:
                name = self.name()
                self.expect(":")
                out.append((name, self.type_name()))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(out)

    def op_make_series(self, pos: int) -> Operator:
        """`make-series`."""
        options = self.options({"kind": "value"})
        aggregates: list[tuple[Expr, Expr | None]] = []
        while True:
            value = self.item()
            default: Expr | None = None
            if self.is_word("default") and self.ahead().text == "=":
                self.at += 2
                default = self.expression()
            aggregates.append((value, default))
            if not self.accept(","):
                break
        self.expect_word("on")
        axis = self.axis()
        start = stop = None
        in_range = False
        if self.accept_word("in"):
            self.expect_word("range")
            self.expect("(")
            start = self.expression()
            self.expect(",")
            stop = self.expression()
            self.expect(",")
            step = self.expression()
            self.expect(")")
            in_range = True
        else:
            if self.accept_word("from"):
                start = self.expression()
            if self.accept_word("to"):
                stop = self.expression()
            self.expect_word("step")
            step = self.expression()
        keys = self.items() if self.accept_word("by") else ()
        kind = str(options.get("kind", ""))
        return MakeSeries(pos, tuple(aggregates), axis, start, stop, step, keys, kind, in_range)

    def axis(self) -> Expr:
        """Read a series' axis; `in range` behind it is not an operator."""
        token = self.now
        if token.kind == NAME and self.ahead().text == "=" and self.ahead().kind == OP:
            self.at += 2
            return Named(token.pos, (token.text,), self.expression(4))
        return self.expression(4)

    def op_serialize(self, pos: int) -> Operator:
        """`serialize`."""
        if self.now.kind == END or self.now.text in ("|", ")", ";"):
            return Serialize(pos, ())
        return Serialize(pos, self.items())

    def op_scan(self, pos: int) -> Operator:
        """`scan`."""
        options = self.options({"with_match_id": "value", "kind": "value"})
        order: tuple[SortKey, ...] = ()
        partition: tuple[Expr, ...] = ()
        declare: tuple[Param, ...] = ()
        while True:
            if self.accept_word("partition"):
                self.expect_word("by")
                partition = self.items()
            elif self.accept_word("order"):
                self.expect_word("by")
                order = self.sort_keys()
            elif self.accept_word("declare"):
                declare = self.params()
            else:
                break
        self.expect_word("with")
        self.expect("(")
        steps: list[ScanStep] = []
        while not self.is_op(")"):
            steps.append(self.scan_step())
            self.accept(";")
        self.expect(")")
        return Scan(pos, str(options.get("with_match_id", "")), declare, order, partition, tuple(steps))

    def scan_step(self) -> ScanStep:
        """Read `step name [optional] [output=all|last|none]: condition [=> a = b, ...]`."""
        pos = self.expect_word("step").pos
        name = self.name()
        optional = bool(self.accept_word("optional"))
        output = "all"
        if self.is_word("output"):
            self.at += 1
            self.expect("=")
            output = self.accept_word("all", "last", "none")
            if not output:
                raise self.fail("all, last or none")
        self.expect(":")
        condition = self.expression()
        assign: list[tuple[str, Expr]] = []
        if self.accept("=>"):
            while True:
                target = self.name()
                self.expect("=")
                assign.append((target, self.expression()))
                if not self.accept(","):
                    break
        return ScanStep(pos, name, optional, output, condition, tuple(assign))

    def params(self) -> tuple[Param, ...]:
        """Read `(name:type = default, T:(columns), ...)`."""
        self.expect("(")
        out: list[Param] = []
        while not self.is_op(")"):
            pos = self.now.pos
            name = self.name("a parameter")
            self.expect(":")
            if self.is_op("("):
                if self.ahead().text == "*":
                    self.at += 2
                    self.expect(")")
                    out.append(Param(pos, name, "", None, table=True))
                else:
                    out.append(Param(pos, name, "", self.columns(), table=True))
            else:
                type_ = self.type_name()
                default = self.expression() if self.accept("=") else None
                out.append(Param(pos, name, type_, None, table=False, default=default))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(out)

    def op_partition(self, pos: int) -> Operator:
        """`partition by`."""
        self.options({"kind": "value"})
        self.expect_word("by")
        where = self.now.pos
        column: Expr = Name(where, self.name("a column name"))
        if self.accept("("):
            self.enter()
            steps = (self.operator(), *self.steps())
            self.leave()
            self.expect(")")
            return Partition(pos, column, steps, None)
        self.expect("{")
        if not self.starts_operator():
            self.enter()
            query = self.pipeline()
            self.leave()
            self.expect("}")
            return Partition(pos, column, None, query)
        self.accept("|")
        self.enter()
        steps = (self.operator(), *self.steps())
        self.leave()
        self.expect("}")
        return Partition(pos, column, steps, None)

    def op_print(self, pos: int) -> Operator:
        """`print`."""
        return Print(pos, self.items())

    def op_range(self, pos: int) -> Operator:
        """`range`."""
        name = self.name("a column name")
        self.expect_word("from")
        start = self.expression()
        self.expect_word("to")
        stop = self.expression()
        self.expect_word("step")
        return RangeOp(pos, name, start, stop, self.expression())

    def op_datatable(self, pos: int) -> Operator:
        """`datatable`."""
        columns = self.columns()
        self.expect("[")
        values: list[Expr] = []
        while not self.is_op("]"):
            values.append(self.expression())
            if not self.accept(","):
                break
        self.expect("]")
        if not columns:
            raise Fault("a datatable has at least one column", pos, kind="syntax")
        if len(values) % len(columns):
            raise Fault(
                f"{len(values)} values do not fill rows of {len(columns)} columns", pos, kind="semantic"
            )
        return DataTable(pos, columns, tuple(values))

    def op_render(self, pos: int) -> Operator:
        """`render`."""
        token: Token = self.now
        chart = ""
        if token.kind == NAME:
            self.at += 1
            chart = token.text
        options: dict[str, Any] = {}
        if self.accept_word("with"):
            self.expect("(")
            while not self.is_op(")"):
                name = self.name()
                self.expect("=")
                options[name] = self.option_value()
                if not self.accept(",") and not self.is_op(")") and self.now.kind != NAME:
                    break
            self.expect(")")
        else:
            while self.now.kind == NAME and self.ahead().text == "=":
                name = self.name()
                self.expect("=")
                options[name] = self.option_value()
        return Render(pos, chart, options)

    def op_as(self, pos: int) -> Operator:
        """`as`."""
        options = self.options({})
        return As(pos, self.name(), str(options.get("hint.materialized", "")).lower() == "true")

    def op_invoke(self, pos: int) -> Operator:
        """`invoke`."""
        token = self.now
        value = self.postfix(self.primary())
        if not isinstance(value, Call):
            raise self.fail("a function, as in invoke f()", token)
        return Invoke(pos, value)

    def op_getschema(self, pos: int) -> Operator:
        """`getschema`."""
        if self.now.kind == NAME and self.options({"kind": "value"}):
            pass
        return GetSchema(pos)

    def op_consume(self, pos: int) -> Operator:
        """`consume`."""
        return Consume(pos)

    @staticmethod
    def refused(what: str) -> Callable[[ShapeParser, int], Operator]:
        """Make the reader of an operator that is known and not answered."""

        def read(self: ShapeParser, pos: int) -> Operator:
            del self
            raise refuse(f"the operator {what}", pos)

        return read
