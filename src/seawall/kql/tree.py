"""The syntax tree: what was written, with the offset where it stands. Nothing is resolved here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator


class Node(msgspec.Struct, frozen=True, gc=False):
    """Base of all: `pos` is the offset in the text."""

    pos: int


class Expr(Node, frozen=True, gc=False):
    """Something that stands for a value (or, in a few places, for a table)."""


class Lit(Expr, frozen=True, gc=False):
    """A literal. `value`: ticks for datetime and timespan, text for guid and decimal, a JSON value for dynamic."""

    type: str
    value: Any


class Name(Expr, frozen=True, gc=False):
    """A name: column, variable or table."""

    name: str


class Star(Expr, frozen=True, gc=False):
    """`*`."""


class Wild(Expr, frozen=True, gc=False):
    """A name with stars in it: `Custom*`."""

    pattern: str


class Dot(Expr, frozen=True, gc=False):
    """`base.key`."""

    base: Expr
    key: str


class Index(Expr, frozen=True, gc=False):
    """`base[index]`."""

    base: Expr
    index: Expr


class Call(Expr, frozen=True, gc=False):
    """`name(args)`; an argument may be a `Named` or a `Star`. `end` is the offset behind the parenthesis."""

    name: str
    args: tuple[Expr, ...]


class Named(Expr, frozen=True, gc=False):
    """`name = value` or `(a, b) = value`."""

    names: tuple[str, ...]
    value: Expr
    listed: bool = False


class Unary(Expr, frozen=True, gc=False):
    """`-x` or `+x`."""

    op: str
    value: Expr


class Binary(Expr, frozen=True, gc=False):
    """`left op right`."""

    op: str
    left: Expr
    right: Expr


class Between(Expr, frozen=True, gc=False):
    """`value between (low .. high)`."""

    negated: bool
    value: Expr
    low: Expr
    high: Expr


class InList(Expr, frozen=True, gc=False):
    """`value in (items)`; op is one of in, !in, in~, !in~, has_any, has_all."""

    op: str
    value: Expr
    items: tuple[Expr, ...]


class TypeOf(Expr, frozen=True, gc=False):
    """`typeof(long)` or `typeof(a:long, b:string)`; a name is empty where none was given, `*` is a column."""

    columns: tuple[tuple[str, str], ...]


class Sub(Expr, frozen=True, gc=False):
    """A pipeline in parentheses that stands where an expression may stand."""

    query: Pipeline


class Lambda(Expr, frozen=True, gc=False):
    """`(a:long, T:(x:string), b:real = 1.0) { body }`; `view` for `view () {}`."""

    params: tuple[Param, ...]
    body: tuple[Statement, ...]
    result: Expr | Pipeline
    view: bool = False


class Param(Node, frozen=True, gc=False):
    """A parameter: a scalar type, or columns for a table parameter (`None` for `T:(*)`)."""

    name: str
    type: str
    columns: tuple[tuple[str, str], ...] | None = None
    table: bool = False
    default: Expr | None = None


# --- tabular operators -------------------------------------------------------------------------------------


class Operator(Node, frozen=True, gc=False):
    """One step of a pipeline."""


class Pipeline(Node, frozen=True, gc=False):
    """A source and its operators. `source` None: the profile's default table."""

    source: Expr | Operator | None
    steps: tuple[Operator, ...]


class Where(Operator, frozen=True, gc=False):
    """`where predicate`."""

    predicate: Expr


class Project(Operator, frozen=True, gc=False):
    """`project`, and its variants by `mode`: project, extend, away, keep, rename, reorder, by-names, distinct."""

    mode: str
    items: tuple[Expr, ...]
    orders: tuple[str, ...] = ()


class Summarize(Operator, frozen=True, gc=False):
    """`summarize aggregates by keys`."""

    aggregates: tuple[Expr, ...]
    keys: tuple[Expr, ...]


class SortKey(Node, frozen=True, gc=False):
    """`expression [asc|desc] [nulls first|last]`; nulls is '' where the default holds."""

    value: Expr
    descending: bool = True
    nulls: str = ""


class Sort(Operator, frozen=True, gc=False):
    """`sort by keys`."""

    keys: tuple[SortKey, ...]


class Take(Operator, frozen=True, gc=False):
    """`take n`; mode: take, sample."""

    count: Expr
    mode: str = "take"


class SampleDistinct(Operator, frozen=True, gc=False):
    """`sample-distinct n of column`."""

    count: Expr
    column: Expr


class Top(Operator, frozen=True, gc=False):
    """`top n by keys`."""

    count: Expr
    keys: tuple[SortKey, ...]


class TopNested(Operator, frozen=True, gc=False):
    """`top-nested`: levels of (count or None, named expression, others or None, aggregate key)."""

    levels: tuple[TopLevel, ...]


class TopLevel(Node, frozen=True, gc=False):
    """One level of top-nested."""

    count: Expr | None
    column: Expr
    others: Expr | None
    aggregate: Expr
    descending: bool


class TopHitters(Operator, frozen=True, gc=False):
    """`top-hitters n of column [by sum]`."""

    count: Expr
    column: Expr
    by: Expr | None


class CountRows(Operator, frozen=True, gc=False):
    """`count [as name]`."""

    name: str


class JoinOp(Operator, frozen=True, gc=False):
    """`join` and `lookup`; `on` holds names or `$left.a == $right.b`."""

    mode: str
    kind: str
    right: Expr | Pipeline
    on: tuple[Expr, ...]
    strategy: str = ""


class Union(Operator, frozen=True, gc=False):
    """`union`; first in a query or a step."""

    kind: str
    with_source: str
    fuzzy: bool
    tables: tuple[Expr, ...]


class ExpandItem(Node, frozen=True, gc=False):
    """`[name =] expression [to typeof(type)]`."""

    name: str
    value: Expr
    type: str


class MvExpand(Operator, frozen=True, gc=False):
    """`mv-expand`; bag `bag` or `array`; legacy is the spelling `mvexpand` (128 rows by default)."""

    items: tuple[ExpandItem, ...]
    bag: str
    index: str
    limit: Expr | None
    legacy: bool


class MvApply(Operator, frozen=True, gc=False):
    """`mv-apply items on (steps)`."""

    items: tuple[ExpandItem, ...]
    index: str
    limit: Expr | None
    context: str
    steps: tuple[Operator, ...]


class ParsePart(Node, frozen=True, gc=False):
    """A part of a parse pattern: `*`, a text, or a column with a type."""

    kind: str
    text: str
    type: str = ""


class Parse(Operator, frozen=True, gc=False):
    """`parse` and `parse-where`."""

    value: Expr
    kind: str
    flags: str
    parts: tuple[ParsePart, ...]
    where: bool


class ParseKv(Operator, frozen=True, gc=False):
    """`parse-kv`."""

    value: Expr
    columns: tuple[tuple[str, str], ...]
    options: dict[str, Any]


class Search(Operator, frozen=True, gc=False):
    """`search` and `find`."""

    mode: str
    kind: str
    tables: tuple[Expr, ...]
    predicate: Expr
    project: tuple[Expr, ...] | None = None
    with_source: str = ""


class Evaluate(Operator, frozen=True, gc=False):
    """`evaluate plugin(...)`, with its declared schema where one is given."""

    call: Call
    schema: tuple[tuple[str, str], ...] | None


class MakeSeries(Operator, frozen=True, gc=False):
    """`make-series aggregates on axis from .. to .. step .. by keys`; aggregates are (expression, default)."""

    aggregates: tuple[tuple[Expr, Expr | None], ...]
    axis: Expr
    start: Expr | None
    stop: Expr | None
    step: Expr
    keys: tuple[Expr, ...]
    kind: str
    in_range: bool


class Serialize(Operator, frozen=True, gc=False):
    """`serialize [columns]`."""

    items: tuple[Expr, ...]


class ScanStep(Node, frozen=True, gc=False):
    """One `step` of scan."""

    name: str
    optional: bool
    output: str
    condition: Expr
    assign: tuple[tuple[str, Expr], ...]


class Scan(Operator, frozen=True, gc=False):
    """`scan`."""

    match_id: str
    declare: tuple[Param, ...]
    order: tuple[SortKey, ...]
    partition: tuple[Expr, ...]
    steps: tuple[ScanStep, ...]


class Partition(Operator, frozen=True, gc=False):
    """`partition by column (steps)` or `{ query }`."""

    column: Expr
    steps: tuple[Operator, ...] | None
    query: Pipeline | None


class PartitionBy(Operator, frozen=True, gc=False):
    """`__partitionby`, `reduce`, `fork`, `facet`, graph operators and others that are known and refused."""

    what: str


class Print(Operator, frozen=True, gc=False):
    """`print items`."""

    items: tuple[Expr, ...]


class RangeOp(Operator, frozen=True, gc=False):
    """`range name from start to stop step step`."""

    name: str
    start: Expr
    stop: Expr
    step: Expr


class DataTable(Operator, frozen=True, gc=False):
    """`datatable (columns) [values]`."""

    columns: tuple[tuple[str, str], ...]
    values: tuple[Expr, ...]


class Render(Operator, frozen=True, gc=False):
    """`render chart with (...)`: passed through as a hint."""

    chart: str
    options: dict[str, Any]


class As(Operator, frozen=True, gc=False):
    """`as name`; with `hint.materialized=true` what it names is computed once."""

    name: str
    materialized: bool = False


class Invoke(Operator, frozen=True, gc=False):
    """`invoke f(...)`."""

    call: Call


class GetSchema(Operator, frozen=True, gc=False):
    """`getschema`."""


class Consume(Operator, frozen=True, gc=False):
    """`consume`."""


# --- statements --------------------------------------------------------------------------------------------


class Statement(Node, frozen=True, gc=False):
    """Something that ends with a semicolon."""


class Let(Statement, frozen=True, gc=False):
    """`let name = value`."""

    name: str
    value: Expr | Pipeline


class SetOption(Statement, frozen=True, gc=False):
    """`set name = value`: noted by name; `value` where it is more than a word."""

    name: str
    value: Expr | None = None


class Declare(Statement, frozen=True, gc=False):
    """`declare query_parameters (name:type = default, ...)`."""

    params: tuple[Param, ...]


class Query(Node, frozen=True, gc=False):
    """A whole text: statements, of which the last tabular one is the answer."""

    statements: tuple[Statement, ...]
    body: Pipeline


def walk(node: Any, whole: tuple[type, ...] = ()) -> Iterator[Node]:
    """Walk a tree in the order of its fields, without recursion; below nodes of the types in `whole` it does not go."""
    open_ = [node]
    while open_:
        part = open_.pop()
        if isinstance(part, tuple):
            open_.extend(reversed(part))
        elif isinstance(part, Node):
            yield part
            if not isinstance(part, whole):
                open_.extend(getattr(part, field) for field in reversed(part.__struct_fields__))
