"""Tabular operators: one method for each, named in the table at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.errors import Fault, refuse
from seawall.kql.lexer import END, NAME, OP, STRING
from seawall.kql.parse.scalars import ScalarParser
from seawall.kql.tree import (
    As,
    Call,
    Consume,
    CountRows,
    DataTable,
    Evaluate,
    ExpandItem,
    Expr,
    GetSchema,
    Invoke,
    JoinOp,
    MakeSeries,
    MvApply,
    MvExpand,
    Name,
    Named,
    Operator,
    Param,
    Parse,
    ParseKv,
    ParsePart,
    Partition,
    Pipeline,
    Print,
    Project,
    RangeOp,
    Render,
    SampleDistinct,
    Scan,
    ScanStep,
    Search,
    Serialize,
    Sort,
    SortKey,
    Star,
    Sub,
    Summarize,
    Take,
    Top,
    TopHitters,
    TopLevel,
    TopNested,
    Union,
    Where,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.lexer import Token


class OperatorParser(ScalarParser):
    """Reads pipelines."""

    def starts_operator(self) -> bool:
        """Tell whether the next words begin an operator (a source such as print, or a query without a source)."""
        token = self.now
        if token.kind != NAME:
            return token.text == "|" and token.kind == OP
        word, count = self.hyphenated()
        if word not in OPERATORS:
            return False
        after = self.ahead(count)
        if word in SOURCES:
            if word == "range":
                return after.kind == NAME or (after.text == "[" and after.kind == OP)
            if word in ("union", "find", "search", "print", "evaluate"):
                return after.kind != END and after.text not in ("|", ";", ")", ",", ".", "=", "==")
            return after.text == "("
        if word in ("count", "consume", "getschema", "serialize"):
            return after.kind == END or after.text == "|"
        # `where x`, `project a`, `summarize count()`: a word follows; `where | ...` is a table named where.
        return after.kind in (NAME, "number", STRING, "typed") or (
            after.kind == OP and after.text in ("[", "*", "-") and word != "where"
        ) or (word in ("where", "filter", "project", "extend", "join", "lookup") and after.text in ("(", "[", "*"))  # fmt: skip

    def pipeline(self) -> Pipeline:
        """Read a source and its steps."""
        token = self.now
        self.enter()
        if token.kind == OP and token.text == "|":
            out = Pipeline(token.pos, None, self.steps())
        elif self.starts_operator():
            word, count = self.hyphenated()
            if word in SOURCES:
                self.at += count
                source = SOURCES[word](self, token.pos)
                out = Pipeline(token.pos, source, self.steps())
            else:
                first = self.operator()
                out = Pipeline(token.pos, None, (first, *self.steps()))
        else:
            out = self.continue_pipeline(self.expression())
        self.leave()
        return out

    def continue_pipeline(self, source: Expr) -> Pipeline:
        """Read the steps behind a source."""
        if isinstance(source, Sub) and not self.is_op("|"):
            return source.query
        return Pipeline(source.pos, source, self.steps())

    def steps(self) -> tuple[Operator, ...]:
        """Read `| operator` as often as it comes."""
        out: list[Operator] = []
        while self.accept("|"):
            out.append(self.operator())
        return tuple(out)

    def operator(self) -> Operator:
        """Read one operator."""
        token = self.now
        if token.kind != NAME:
            raise self.fail("an operator such as where, project, extend, summarize, join")
        word, count = self.hyphenated()
        reader = OPERATORS.get(word)
        if reader is None:
            raise Fault(f"{word!r} is not an operator", token.pos, kind="syntax", expected=_nearest(word))
        self.at += count
        return reader(self, token.pos)

    # --- simple ones ---------------------------------------------------------------------------------------

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
                return Named(token.pos, names, self.expression())
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

    @staticmethod
    def projecting(mode: str) -> Callable[[OperatorParser, int], Operator]:
        """Make the reader of a project variant."""

        def read(self: OperatorParser, pos: int) -> Operator:
            if mode in ("extend", "project"):
                self.options({})
            if mode == "reorder":
                items: list[Expr] = []
                orders: list[str] = []
                while True:
                    items.append(self.pattern())
                    orders.append(self.accept_word("asc", "desc", "granny-asc", "granny-desc"))
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

    # --- several tables ------------------------------------------------------------------------------------

    def table_operand(self) -> Expr | Pipeline:
        """Read a table that stands to the right: a name, a call, or a query in parentheses."""
        if self.is_op("("):
            inner = self.postfix(self.parenthesis())
            return inner.query if isinstance(inner, Sub) else inner
        return self.postfix(self.primary())

    @staticmethod
    def joining(mode: str) -> Callable[[OperatorParser, int], Operator]:
        """Make the reader of join and lookup."""

        def read(self: OperatorParser, pos: int) -> Operator:
            options = self.options({"kind": "value", "withsource": "value"})
            right = self.table_operand()
            on: tuple[Expr, ...] = ()
            if self.accept_word("on"):
                on = self.items()
            elif self.accept_word("where"):
                raise refuse("join ... where", pos)
            else:
                raise self.fail("'on' and the join's keys")
            return JoinOp(pos, mode, str(options.get("kind", "")), right, on)

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
    def searching(mode: str) -> Callable[[OperatorParser, int], Operator]:
        """Make the reader of search and find."""

        def read(self: OperatorParser, pos: int) -> Operator:
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
                self.expect_word("where")
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

    # --- dynamic values ------------------------------------------------------------------------------------

    def expand_items(self) -> tuple[ExpandItem, ...]:
        """Read `[name =] expression [to typeof(type)], ...`."""
        out: list[ExpandItem] = []
        while True:
            start = self.now.pos
            value = self.item()
            name = ""
            if isinstance(value, Named):
                name, value = value.names[0], value.value
            type_ = ""
            if self.accept_word("to"):
                self.expect_word("typeof")
                self.expect("(")
                type_ = self.type_name()
                self.expect(")")
            out.append(ExpandItem(start, name, value, type_))
            if not self.accept(","):
                return tuple(out)

    @staticmethod
    def expanding(legacy: bool) -> Callable[[OperatorParser, int], Operator]:
        """Make the reader of mv-expand and mvexpand."""

        def read(self: OperatorParser, pos: int) -> Operator:
            options = self.options({"kind": "value", "bagexpansion": "value", "with_itemindex": "value"})
            items = self.expand_items()
            limit = self.expression() if self.accept_word("limit") else None
            bag = str(options.get("bagexpansion", options.get("kind", "bag")))
            if bag not in ("bag", "array"):
                raise Fault(
                    f"kind={bag} is not known to mv-expand", pos, kind="syntax", expected="bag or array"
                )
            return MvExpand(pos, items, bag, str(options.get("with_itemindex", "")), limit, legacy)

        return read

    def op_mv_apply(self, pos: int) -> Operator:
        """`mv-apply`."""
        options = self.options({"with_itemindex": "value"})
        items = self.expand_items()
        limit = self.expression() if self.accept_word("limit") else None
        context = self.name() if self.accept_word("id") else ""
        self.expect_word("on")
        self.expect("(")
        self.enter()
        steps = (self.operator(), *self.steps())
        self.leave()
        self.expect(")")
        return MvApply(pos, items, str(options.get("with_itemindex", "")), limit, context, steps)

    # --- parsing -------------------------------------------------------------------------------------------

    @staticmethod
    def parsing(where: bool) -> Callable[[OperatorParser, int], Operator]:
        """Make the reader of parse and parse-where."""

        def read(self: OperatorParser, pos: int) -> Operator:
            options = self.options({"kind": "value", "flags": "value"})
            value = self.expression()
            self.expect_word("with")
            parts: list[ParsePart] = []
            while self.now.kind in (STRING, NAME) or self.now.text in ("*", "["):
                token = self.now
                if self.accept("*"):
                    parts.append(ParsePart(token.pos, "*", ""))
                elif token.kind == STRING:
                    self.at += 1
                    parts.append(ParsePart(token.pos, "text", str(token.value)))
                else:
                    name = self.name()
                    parts.append(ParsePart(token.pos, "column", name, self.type_name() if self.accept(":") else "string"))  # fmt: skip
            if not parts:
                raise self.fail("a pattern of texts, columns and *")
            return Parse(pos, value, str(options.get("kind", "simple")), str(options.get("flags", "")), tuple(parts), where)  # fmt: skip

        return read

    def op_parse_kv(self, pos: int) -> Operator:
        """`parse-kv`."""
        value = self.expression()
        self.expect_word("as")
        columns = self.columns()
        options: dict[str, Any] = {}
        if self.accept_word("with"):
            self.expect("(")
            while not self.is_op(")"):
                name = self.name()
                self.expect("=")
                options[name] = self.constant()
                if not self.accept(","):
                    break
            self.expect(")")
        return ParseKv(pos, value, columns, options)

    def constant(self) -> Any:
        """Read a literal or a word."""
        token = self.now
        if token.kind == NAME:
            self.at += 1
            return {"true": True, "false": False}.get(token.text, token.text)
        if token.kind in (STRING, "number", "typed"):
            self.at += 1
            return token.value
        raise self.fail("a literal")

    # --- the rest ------------------------------------------------------------------------------------------

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
        self.options({})
        return As(pos, self.name())

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
    def refused(what: str) -> Callable[[OperatorParser, int], Operator]:
        """Make the reader of an operator that is known and not answered."""

        def read(self: OperatorParser, pos: int) -> Operator:
            del self
            raise refuse(f"the operator {what}", pos)

        return read


Reader = "Callable[[OperatorParser, int], Operator]"
_P = OperatorParser
OPERATORS: dict[str, Callable[[OperatorParser, int], Operator]] = {
    "where": _P.op_where,
    "filter": _P.op_where,
    **{
        word: OperatorParser.projecting(mode)
        for word, mode in {
            "project": "project", "extend": "extend", "project-away": "away", "project-keep": "keep",
            "project-rename": "rename", "project-reorder": "reorder", "project-by-names": "by-names", "distinct": "distinct",
        }.items()
    },
    "summarize": _P.op_summarize,
    "sort": _P.op_sort,
    "order": _P.op_sort,
    "take": _P.op_take,
    "limit": _P.op_take,
    "sample": _P.op_sample,
    "sample-distinct": _P.op_sample_distinct,
    "top": _P.op_top,
    "top-hitters": _P.op_top_hitters,
    "top-nested": _P.op_top_nested,
    "count": _P.op_count,
    "join": OperatorParser.joining("join"),
    "lookup": OperatorParser.joining("lookup"),
    "union": _P.op_union,
    "search": OperatorParser.searching("search"),
    "find": OperatorParser.searching("find"),
    "mv-expand": OperatorParser.expanding(False),
    "mvexpand": OperatorParser.expanding(True),
    "mv-apply": _P.op_mv_apply,
    "mvapply": _P.op_mv_apply,
    "parse": OperatorParser.parsing(False),
    "parse-where": OperatorParser.parsing(True),
    "parse-kv": _P.op_parse_kv,
    "evaluate": _P.op_evaluate,
    "make-series": _P.op_make_series,
    "serialize": _P.op_serialize,
    "serialized": _P.op_serialize,
    "scan": _P.op_scan,
    "partition": _P.op_partition,
    "print": _P.op_print,
    "range": _P.op_range,
    "datatable": _P.op_datatable,
    "render": _P.op_render,
    "as": _P.op_as,
    "invoke": _P.op_invoke,
    "getschema": _P.op_getschema,
    "consume": _P.op_consume,
    **{
        word: OperatorParser.refused(word)
        for word in (
            "externaldata", "external_data", "make-graph", "graph-match", "graph-shortest-paths", "graph-to-table",
            "graph-mark-components", "graph-where-nodes", "graph-where-edges", "fork", "facet", "reduce",
            "macro-expand", "assert-schema", "execute-and-cache", "graph-merge",
        )
    },
}  # fmt: skip
SOURCES: dict[str, Callable[[OperatorParser, int], Operator]] = {
    word: OPERATORS[word]
    for word in ("print", "range", "datatable", "union", "search", "find", "externaldata", "external_data", "evaluate")
}  # fmt: skip


def _nearest(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, OPERATORS, n=1)
    return near[0] if near else "an operator such as where, project, extend, summarize, join"


__all__ = ["OPERATORS", "Name", "OperatorParser"]
