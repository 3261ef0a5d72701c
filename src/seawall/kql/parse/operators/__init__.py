"""Tabular operators: one method for each, named in the table at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.errors import Fault
from seawall.kql.lexer import END, NAME, OP, STRING
from seawall.kql.parse.operators.shapes import ShapeParser
from seawall.kql.tree import Expr, Operator, Pipeline, Sub

if TYPE_CHECKING:
    from collections.abc import Callable


class OperatorParser(ShapeParser):
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


__all__ = ["OPERATORS", "OperatorParser"]
