"""mv-expand, parse, and what else makes columns or rows out of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind import regular
from seawall.kql.bind.names import Namer, derived
from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.shapes import Shapes
from seawall.kql.bind.values import SQL_TYPES, Ex, quote, to_json, to_string
from seawall.kql.errors import Fault, refuse
from seawall.kql.functions.core import convert
from seawall.kql.tree import ExpandItem, MvExpand, Operator, Parse, ParseKv

if TYPE_CHECKING:
    from seawall.kql.bind.values import Origin
    from seawall.kql.catalog import Catalog

_BORDER = "error('parse with the border of a word is answered for texts of ASCII only')"
LEGACY_LIMIT = 128
"""Rows that the old spelling `mvexpand` makes of one (docs: mv-expand)."""


class Expand(Shapes):
    """The part of the binder that expands and parses values."""

    catalog: Catalog
    known_leaves: dict[int, list[Origin]]
    absent: set[str]
    explode: bool

    def other_step(self, node: Operator, rel: Rel, env: Env) -> Rel:
        """Bind the steps of this module and of `Shapes`."""
        if isinstance(node, MvExpand):
            return self.op_mv_expand(node, rel, env)
        if isinstance(node, Parse):
            return self.op_parse(node, rel, env)
        if isinstance(node, ParseKv):
            return self.op_parse_kv(node, rel, env)
        return self.shape_step(node, rel, env)

    # --- mv-expand -----------------------------------------------------------------------------------------

    def op_mv_expand(self, node: MvExpand, rel: Rel, env: Env) -> Rel:
        """`mv-expand`: lists go side by side, the shorter ones padded with null."""
        if (
            len(node.items) == 1
            and not node.index
            and node.limit is None
            and not node.legacy
            and node.bag == "bag"
        ):
            ready = self.ready_made(node.items[0], rel, env)
            if ready is not None:
                return ready
        limit = ""
        if node.limit is not None:
            limit = self.row_count(node.limit, env, "limit")
        elif node.legacy:
            limit = str(LEGACY_LIMIT)
        return self.expanded(node.items, rel, env, bag=node.bag, index=node.index, limit=limit)[0]

    def ready_made(self, item: ExpandItem, rel: Rel, env: Env) -> Rel | None:
        """Take the expansion of a shredded array, if the rows are still those of the table itself."""
        if rel.closed or rel.heavy or rel.hidden:
            return None
        value = self.ex(item.value, Scope(rel, env))
        if value.type != "dynamic" or value.origin is None or not value.origin[2] or "[]" in value.origin[2]:
            return None
        scan, column, path = value.origin
        self.wanted.add((scan, column, (*path, "[]")))
        table = self.catalog.tables[self.scans[scan]]
        physical, _, alias = rel.frm.partition(" AS ")
        made = table.exploded.get((column, path))
        if made is None or physical != table.physical or not self.explode:
            return None
        element: Origin = (scan, column, (*path, "[]"))
        leaves = dict(rel.leaves)
        for below, leaf in made.leaves.items():
            origin: Origin = (scan, column, (*path, "[]", *below))
            if origin in self.known_leaves.get(scan, ()):
                sql = f"{alias}.{leaf.id}"
                leaves[origin] = Ex(sql, "dynamic", leaf.rep, base="" if leaf.rep else sql, origin=origin)
        sql = f"{alias}.{made.element}"
        if item.type and item.type != "dynamic":
            ex = Ex(element_of(sql, item.type), item.type)
        else:
            ex = Ex(sql, "dynamic", base=sql, origin=element)
        cols = list(rel.cols)
        at = {col.name: i for i, col in enumerate(cols)}
        name = item.name or derived(item.value) or Namer(numbers=self.numbers).anonymous()
        if name in at:
            cols[at[name]] = Col(name, ex)
        else:
            cols.append(Col(Namer(set(at)).unique(name), ex))
        out = Rel(self.ids, cols, f"{made.physical} AS {alias}", leaves)
        out.where = list(rel.where)
        out.sorted = rel.sorted
        self.absent |= {f"{alias}.{one}" for one in made.absent}
        return out

    def expanded(
        self, items: tuple[ExpandItem, ...], rel: Rel, env: Env, *, bag: str, index: str, limit: str
    ) -> tuple[Rel, list[str]]:
        """Expand; the second value has the names of the columns that were made."""
        rel = rel.settle()
        scope = Scope(rel, env)
        lists: list[Ex] = []
        names: list[str] = []
        values = [self.ex(item.value, scope) for item in items]
        if any("(SELECT " in value.sql for value in values):  # DuckDB takes no subquery inside a lambda
            rel = rel.replace([*rel.cols, *(Col(f"\0value{i}", one) for i, one in enumerate(values))]).flush()
            values = [col.ex for col in rel.cols[-len(values) :]]
            rel = rel.replace(rel.cols[: -len(values)])
        for item, value in zip(items, values, strict=True):
            if value.type != "dynamic":
                raise Fault(
                    f"mv-expand takes a dynamic, not a {value.type}",
                    item.pos,
                    hint="split(...) or parse_json(...) makes one of a string",
                )
            origin = (
                value.origin
                if value.origin is not None and value.origin[2] and "[]" not in value.origin[2]
                else None
            )
            lists.append(Ex(list_of(value, bag, limit), "dynamic", origin=origin))
            names.append(item.name or derived(item.value))
        base = rel.replace([*rel.cols, *(Col(f"\0list{i}", one) for i, one in enumerate(lists))]).flush()
        inner = base.cols[: len(rel.cols)]
        made = [col.ex.sql for col in base.cols[len(rel.cols) :]]
        self.ids.table += 1
        alias = f"t{self.ids.table}"
        select = [f"{col.ex.sql} AS e{i}" for i, col in enumerate(inner)]
        select += [f"unnest({sql}) AS x{i}" for i, sql in enumerate(made)]
        leaves: dict[Any, Ex] = {}
        for number, (origin, leaf) in enumerate(base.leaves.items()):
            select.append(f"{leaf.sql} AS l{number}")
            leaves[origin] = Ex(
                f"{alias}.l{number}",
                "dynamic",
                leaf.rep,
                base="" if leaf.rep else f"{alias}.l{number}",
                origin=origin,
            )
        if index:
            sizes = ", ".join(f"coalesce(len({sql}), 0)" for sql in made)
            select.append(f"unnest(range(0, greatest({sizes}))) AS xi")
        frm = f"(SELECT {', '.join(select)} FROM {base.frm}) AS {alias}"
        cols = [Col(col.name, _moved(col.ex, f"{alias}.e{i}")) for i, col in enumerate(inner)]
        at = {col.name: i for i, col in enumerate(cols)}
        namer = Namer(set(at), self.numbers)
        outputs: list[str] = []
        for i, (item, name) in enumerate(zip(items, names, strict=True)):
            sql = f"nullif({alias}.x{i}, 'null')"
            if item.type and item.type != "dynamic":
                ex = Ex(element(sql, item.type), item.type)
            else:
                below = lists[i].origin
                ex = Ex(
                    sql,
                    "dynamic",
                    base=sql,
                    origin=(below[0], below[1], (*below[2], "[]")) if below else None,
                )
            name = name or namer.anonymous()  # noqa: PLW2901 - the name that it gets
            if name in at:
                cols[at[name]] = Col(name, ex)
            else:
                name = namer.unique(name)  # noqa: PLW2901 - the name that it gets
                at[name] = len(cols)
                cols.append(Col(name, ex))
            outputs.append(name)
        if index:
            name = namer.unique(index)
            cols.append(Col(name, Ex(f"{alias}.xi", "long")))
            outputs.append(name)
        out = Rel(self.ids, cols, frm, leaves)
        out.sorted = rel.sorted  # the order of the rows stays (docs: window-functions)
        return out.flush(), outputs

    # --- parse ---------------------------------------------------------------------------------------------

    def op_parse(self, node: Parse, rel: Rel, env: Env) -> Rel:
        """`parse` and `parse-where`: one regular expression with a group for each column."""
        from seawall.kql.bind.patterns import compile_pattern

        rel = rel.settle()
        value = self.ex(node.value, Scope(rel, env))
        if value.type not in ("string", "dynamic"):
            raise Fault(
                f"parse reads a string, not a {value.type}", node.pos, hint="convert it: tostring(...)"
            )
        if node.kind not in ("simple", "regex", "relaxed"):
            raise Fault(
                f"kind={node.kind} is not known to parse",
                node.pos,
                kind="syntax",
                expected="simple, regex or relaxed",
            )
        if node.where and node.kind == "relaxed":
            raise Fault("parse-where knows no kind=relaxed", node.pos)
        pattern, columns = compile_pattern(node)
        names = "[" + ", ".join(f"'g{i}'" for i in range(len(columns))) + "]"
        base = rel.replace([*rel.cols, Col("\0text", Ex(to_string(value), "string"))]).flush()
        text = base.cols[-1].ex.sql
        self.ids.table += 1
        alias = f"t{self.ids.table}"
        match = f"regexp_matches({text}, {quote(pattern)})"
        groups = f"regexp_extract({text}, {quote(pattern)}, {names})" if columns else "NULL"
        if node.kind == "regex":
            matcher = regular.Matcher("", regular.read(pattern, node.pos))
            match = regular.test(text, matcher)
            groups = matcher.write(text, lambda one: f"regexp_extract({text}, {one}, {names})", _BORDER)
            groups = groups if columns else "NULL"
        inner = [f"{col.ex.sql} AS e{i}" for i, col in enumerate(base.cols[:-1])]
        leaves: dict[Any, Ex] = {}
        for number, (origin, leaf) in enumerate(base.leaves.items()):
            inner.append(f"{leaf.sql} AS l{number}")
            leaves[origin] = Ex(
                f"{alias}.l{number}",
                "dynamic",
                leaf.rep,
                base="" if leaf.rep else f"{alias}.l{number}",
                origin=origin,
            )
        frm = f"(SELECT {', '.join([*inner, f'{match} AS m', f'{groups} AS g'])} FROM {base.frm}) AS {alias}"
        captured = [Ex(f"{alias}.g.g{i}", "string") for i in range(len(columns))]
        typed = [
            Ex(f"CASE WHEN {alias}.m THEN {parsed(one, type_)} END", type_)
            if type_ != "string"
            else Ex(f"CASE WHEN {alias}.m THEN {one.sql} ELSE '' END", "string")
            for one, (_, type_, _) in zip(captured, columns, strict=True)
        ]
        checks = [f"({ex.sql}) IS NOT NULL" for ex in typed if ex.type != "string"]
        whole = " AND ".join([f"{alias}.m", *checks])
        cols = [Col(col.name, _moved(col.ex, f"{alias}.e{i}")) for i, col in enumerate(base.cols[:-1])]
        at = {col.name: i for i, col in enumerate(cols)}
        for (name, type_, _), ex in zip(columns, typed, strict=True):
            final = ex
            if node.kind != "relaxed" and checks and not node.where:
                nothing = "''" if type_ == "string" else f"NULL::{SQL_TYPES[type_]}"
                final = Ex(f"CASE WHEN {whole} THEN {ex.sql} ELSE {nothing} END", type_, base="")
            if type_ == "dynamic":
                final = Ex(final.sql, type_, base=final.sql)
            if name in at:
                cols[at[name]] = Col(name, final)
            else:
                at[name] = len(cols)
                cols.append(Col(name, final))
        out = Rel(self.ids, cols, frm, leaves)
        out.sorted = rel.sorted
        if node.where:
            out.where = [whole]
        return out.flush()

    def op_parse_kv(self, node: ParseKv, rel: Rel, env: Env) -> Rel:
        """`parse-kv`."""
        rel = rel.settle()
        value = self.ex(node.value, Scope(rel, env))
        options = node.options
        if len({name for name, _ in node.columns}) < len(node.columns):
            raise Fault("parse-kv names a column twice", node.pos)
        unknown = set(options) - {"pair_delimiter", "kv_delimiter", "quote", "escape", "greedy", "regex"}
        if unknown:
            raise Fault(f"parse-kv knows no option {min(unknown)!r}", node.pos, kind="syntax")
        if "regex" in options:
            if not isinstance(options["regex"], str):
                raise Fault("regex is a text", node.pos)
            text = to_string(value)
            matcher = regular.Matcher(quote(options["regex"]), regular.read(options["regex"], node.pos))

            def all_of(group: int) -> str:
                return matcher.write(
                    text,
                    lambda one: f"to_json(regexp_extract_all({text}, {one}, {group}))::VARCHAR",
                    f"coalesce(k_rx_all({text}, {{}}, '[{group}]'), '[]')",
                )

            bag = Ex(f"k_kv_pairs({all_of(1)}, {all_of(2)})", "dynamic")
        else:
            bag = Ex(f"k_parse_kv({to_string(value)}, {_kv_options(node)})", "dynamic")
        base = rel.replace([*rel.cols, Col("\0bag", bag)]).flush()
        source = base.cols[-1].ex
        cols = list(base.cols[:-1])
        at = {col.name: i for i, col in enumerate(cols)}
        for name, type_ in node.columns:
            found = Ex(f"json_extract_string({source.sql}, {quote(_pointer(name))})", "string")
            filled = Ex(f"coalesce({found.sql}, '')", "string")
            final = (
                filled
                if type_ == "string"
                else Ex(f"CASE WHEN {found.sql} IS NOT NULL THEN {parsed(filled, type_)} END", type_)
            )
            if type_ == "dynamic":
                final = Ex(final.sql, type_, base=final.sql)
            if name in at:
                cols[at[name]] = Col(name, final)
            else:
                at[name] = len(cols)
                cols.append(Col(name, final))
        out = base.replace(cols)
        return out.flush()


def _names(names: list[str]) -> Ex:
    from seawall.kql.bind.values import literal

    return literal(names, "dynamic")


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def parsed(text: Ex, type_: str) -> str:
    """Convert a captured text: an empty one is no value."""
    if type_ == "dynamic":
        return f"k_parse_json({text.sql})"
    return convert(Ex(text.sql, "string"), type_, -1)


def _kv_options(node: ParseKv) -> str:
    """Write how keys and values are delimited: both ways or not at all, quotes and escapes as lists."""
    options = node.options
    pair, kv = (options.get(name, "") for name in ("pair_delimiter", "kv_delimiter"))
    marks = {name: options.get(name, []) for name in ("quote", "escape")}
    for name, most in (("quote", 2), ("escape", 1)):
        if not all(isinstance(one, str) and 0 < len(one) <= most for one in marks[name]):
            raise Fault(f"{name} is {'one character or two' if most > 1 else 'one character'}", node.pos)
    if not isinstance(pair, str) or not isinstance(kv, str):
        raise Fault("a delimiter is a text", node.pos)
    if bool(pair) != bool(kv):
        raise Fault("parse-kv takes a pair_delimiter and a kv_delimiter, or none of them", node.pos)
    greedy = options.get("greedy", False) is True
    if greedy and not kv:
        raise Fault("greedy needs delimiters", node.pos)
    lists = ", ".join(to_json(_names(one)) for one in (marks["quote"], marks["escape"]))
    wanted = to_json(_names([name for name, _ in node.columns]))
    return f"{quote(pair)}, {quote(kv)}, {lists}, {str(greedy).lower()}, {wanted}"


def _moved(ex: Ex, sql: str) -> Ex:
    if ex.type == "dynamic" and not ex.rep:
        return Ex(sql, "dynamic", base=sql, origin=ex.origin, const=ex.const)
    return Ex(sql, ex.type, ex.rep, origin=ex.origin, const=ex.const)


def list_of(value: Ex, bag: str, limit: str) -> str:
    """Write the list of a dynamic's elements as JSON texts: null is one null, a scalar is itself."""
    if value.rep:
        one = to_json(value)
        return f"[coalesce({one}, 'null')]" + (f"[1:{limit}]" if limit else "")
    sql = value.sql
    opening, middle, closing = ("[", ",", "]") if bag == "array" else ("{", ":", "}")
    # A JSON pointer leads to any key, whatever stands in it (RFC 6901: ~0 and ~1).
    inner = f"json_extract({sql}, '/' || replace(replace(k, '~', '~0'), '/', '~1'))::VARCHAR"
    bags = f"list_transform(json_keys({sql}), lambda k: '{opening}' || to_json(k)::VARCHAR || '{middle}' || {inner} || '{closing}')"
    out = (
        f"CASE json_type({sql}) WHEN 'ARRAY' THEN json_extract({sql}, '$[*]')::VARCHAR[] WHEN 'OBJECT' THEN {bags} "
        f"ELSE [coalesce({sql}, 'null')] END"
    )
    return f"({out})[1:{limit}]" if limit else out


def element_of(sql: str, type_: str) -> str:
    """Write an element in the type that `to typeof(T)` asks for."""
    return element(sql, type_)


def element(sql: str, type_: str) -> str:
    """Write `to typeof(T)`: what does not conform is null; texts are no numbers (duckdb-kql R18, measured)."""
    if type_ == "string":
        return to_string(Ex(sql, "dynamic"))
    kind = f"json_type({sql})"
    if type_ in ("long", "int"):
        number = f"CASE WHEN {kind} IN ('UBIGINT', 'BIGINT') THEN TRY_CAST({sql} AS BIGINT) WHEN {kind} = 'DOUBLE' THEN TRY_CAST(trunc(TRY_CAST({sql} AS DOUBLE)) AS BIGINT) END"
        return (
            number
            if type_ == "long"
            else f"CASE WHEN {number} BETWEEN -2147483648 AND 2147483647 THEN {number} END"
        )
    if type_ == "real":
        return f"CASE WHEN {kind} IN ('UBIGINT', 'BIGINT', 'DOUBLE') THEN TRY_CAST({sql} AS DOUBLE) END"
    if type_ == "decimal":
        return f"CASE WHEN {kind} IN ('UBIGINT', 'BIGINT', 'DOUBLE') THEN k_todecimal({sql}) END"
    if type_ == "bool":
        return f"CASE WHEN {kind} = 'BOOLEAN' THEN {sql} = 'true' WHEN {kind} IN ('UBIGINT', 'BIGINT') THEN TRY_CAST({sql} AS BIGINT) <> 0 END"
    text = f"json_extract_string({sql}, '$')"
    if type_ in ("datetime", "timespan"):
        return f"CASE WHEN {kind} = 'VARCHAR' THEN k_to{type_}({text}) END"
    if type_ == "guid":
        return f"CASE WHEN {kind} = 'VARCHAR' THEN TRY_CAST({text} AS UUID)::VARCHAR END"
    raise refuse(f"mv-expand to typeof({type_})", -1)
