"""`evaluate`: the plugins that only reshape data. Those whose columns depend on the data look at it when compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.bind.activity import ACTIVITY
from seawall.kql.bind.names import Namer, derived
from seawall.kql.bind.prelude import Prelude
from seawall.kql.bind.relation import Col, Rel
from seawall.kql.bind.rolling import ROLLING
from seawall.kql.bind.scope import Env, Scope
from seawall.kql.bind.tables import Tables
from seawall.kql.bind.values import Ex, literal, quote, to_json, to_string
from seawall.kql.errors import Fault, Whole, refuse
from seawall.kql.facts import builtins, near
from seawall.kql.functions.core import convert
from seawall.kql.tree import Binary, Call, Evaluate, Expr, Lit, Name, Named

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_NEW = 1000
"""Columns that bag_unpack and pivot may make."""

CONDITIONAL = {
    "count": "countif",
    "sum": "sumif",
    "min": "minif",
    "max": "maxif",
    "avg": "avgif",
    "dcount": "dcountif",
    "take_any": "take_anyif",
    "any": "anyif",
    "stdev": "stdevif",
    "variance": "varianceif",
    "make_list": "make_list_if",
    "make_set": "make_set_if",
    "make_bag": "make_bag_if",
}
"""The aggregates that pivot takes (docs: pivot), and their forms over some of the rows: a cell is one of these."""

_WRITTEN_APART = {**ACTIVITY, **ROLLING}
"""The plugins that have a module of their own: name -> what binds it."""


class Plugins(Prelude, Tables):
    """The part of the binder that knows plugins."""

    peek: Callable[[str, bool], list[tuple[Any, ...]]]
    uses_now: bool

    def op_evaluate(self, node: Evaluate, rel: Rel, env: Env) -> Rel:
        """`evaluate plugin(...)`."""
        name = node.call.name
        plugin = {
            "bag_unpack": self.bag_unpack,
            "pivot": self.pivot,
            "narrow": self.narrow,
            "ipv4_lookup": self.ip_lookup,
            "ipv6_lookup": self.ip_lookup,
        }.get(name)
        if self.part_columns(rel):
            raise Whole("evaluate inside mv-apply or partition", node.pos)
        if plugin is None and name in _WRITTEN_APART:
            out = _WRITTEN_APART[name](self, node.call, self.once(rel).flush(), env)
            return self.declared(node, out) if node.schema is not None else out
        if plugin is None:
            if name in builtins().plugins:
                raise refuse(f"the plugin {name}", node.pos)
            raise Fault(f"there is no plugin {name}", node.pos, hint=near(name, builtins().plugins))
        out = plugin(node, self.once(rel).flush(), env)
        if node.schema is not None and name != "bag_unpack":
            out = self.declared(node, out)
        return out

    def declared(self, node: Evaluate, rel: Rel) -> Rel:
        """Give the columns that the query declares."""
        cols: list[Col] = []
        for name, type_ in node.schema or ():
            if name == "*":
                cols.extend(rel.cols)
                continue
            col = rel.names.get(name)
            cols.append(
                Col(
                    name,
                    Ex(convert(col.ex, type_, node.pos), type_) if col is not None else literal(None, type_),
                )
            )
        return rel.replace(cols)

    def _options(self, node: Call, env: Env, known: tuple[str, ...]) -> tuple[list[Expr], dict[str, Any]]:
        plain: list[Expr] = []
        named: dict[str, Any] = {}
        for arg in node.args:
            if isinstance(arg, Named):
                if arg.names[0] not in known:
                    raise Fault(
                        f"{node.name} has no parameter {arg.names[0]!r}",
                        arg.pos,
                        hint=near(arg.names[0], known),
                    )
                named[arg.names[0]] = arg.value
            else:
                plain.append(arg)
        named |= dict(zip([k for k in known if k not in named], plain[1:], strict=False))
        return plain, {
            k: self.constant(v, Scope(None, env), f"the parameter {k}") if not isinstance(v, Name) else v.name
            for k, v in named.items()
        }

    def bag_unpack(self, node: Evaluate, rel: Rel, env: Env) -> Rel:
        """`bag_unpack(column [, prefix [, conflict [, ignored]]])`: a column for each key that the data has."""
        plain, options = self._options(
            node.call, env, ("OutputColumnPrefix", "columnsConflict", "ignoredProperties")
        )
        if not plain or not isinstance(plain[0], Name) or plain[0].name not in rel.names:
            raise Fault("bag_unpack takes a column", node.pos)
        column = rel.names[plain[0].name]
        if column.ex.type != "dynamic":
            raise Fault(f"bag_unpack takes a dynamic column, not a {column.ex.type}", node.pos)
        prefix = str(options.get("OutputColumnPrefix") or "")
        conflict = str(options.get("columnsConflict") or "error")
        ignored = options.get("ignoredProperties") or []
        bag = to_json(column.ex)
        found: dict[str, set[str]] = {}
        if node.schema is None:
            sql = f"SELECT DISTINCT k_keys_kinds(b) FROM (SELECT {bag} AS b{rel.tail()}) WHERE b IS NOT NULL"
            import msgspec

            for row in self.peek(sql, self.uses_now):
                for key, kind in msgspec.json.decode(row[0] or "[]"):
                    if key not in ignored:
                        found.setdefault(key, set()).add(kind)
            made = [(key, prefix + key, _kind(kinds)) for key, kinds in sorted(found.items())]
        else:
            names = {col.name for col in rel.cols if col is not column}
            made = [
                (name.removeprefix(prefix), name, type_)
                for name, type_ in node.schema
                if name != "*" and name not in names
            ]
        if len(made) > MAX_NEW:
            raise Fault(f"bag_unpack would make {len(made)} columns", node.pos, kind="limit")
        cols = [col for col in rel.cols if col is not column]
        at = {col.name: i for i, col in enumerate(cols)}
        for key, name, type_ in made:
            value = self.path(Ex(bag, "dynamic", base=bag), key, node.pos, {})
            ex = value if type_ == "dynamic" else Ex(convert(value, type_, node.pos), type_)
            if name in at:
                if conflict == "error":
                    raise Fault(
                        f"bag_unpack would make a column {name!r}, which is already there",
                        node.pos,
                        hint="use columnsConflict",
                    )
                if conflict == "replace_source":
                    cols[at[name]] = Col(name, ex)
                continue
            at[name] = len(cols)
            cols.append(Col(name, ex))
        return rel.replace(cols)

    def pivot(self, node: Evaluate, rel: Rel, env: Env) -> Rel:
        """`pivot(column [, aggregate [, columns kept ...]])`: a column for each value."""
        args = node.call.args
        if not args or not isinstance(args[0], Name):
            raise Fault("pivot takes a column", node.pos)
        scope = Scope(rel, env)
        value = self.ex(args[0], scope)
        aggregate = args[1] if len(args) > 1 else Call(node.pos, "count", ())
        if not isinstance(aggregate, Call):
            raise Fault("pivot takes an aggregate, as in pivot(column, sum(x))", node.pos)
        if aggregate.name not in CONDITIONAL:
            raise Fault(
                f"pivot takes no {aggregate.name}()",
                aggregate.pos,
                hint=f"it takes {', '.join(name + '()' for name in CONDITIONAL)}",
            )
        if len(args) > 2:
            keys = [(derived(arg), self.ex(arg, scope)) for arg in args[2:]]
        else:
            used = {args[0].name, *(arg.name for arg in aggregate.args if isinstance(arg, Name))}
            keys = [(col.name, col.ex) for col in rel.cols if col.name not in used]
        text = to_string(value)
        rows = self.peek(f"SELECT DISTINCT {text} AS v{rel.tail()} ORDER BY v", self.uses_now)
        if len(rows) > MAX_NEW:
            raise Fault(f"pivot would make {len(rows)} columns", node.pos, kind="limit")
        namer = Namer()
        cols = [Col(namer.unique(name), ex) for name, ex in keys]
        inner = Scope(rel, env, aggregate=True)
        shown = Call(args[0].pos, "tostring", (args[0],))
        for (one,) in rows:
            test = Binary(node.pos, "==", shown, Lit(node.pos, "string", one))
            cell = Call(aggregate.pos, CONDITIONAL[aggregate.name], (*aggregate.args, test))
            cols.append(Col(namer.unique(one), self.aggregate(cell, inner)))
        out = Rel(rel.ids, cols, rel.frm)
        out.where = list(rel.where)
        out.group = f" GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}" if keys else " HAVING true"
        return out

    def narrow(self, node: Evaluate, rel: Rel, env: Env) -> Rel:
        """`narrow()`: one row for each cell."""
        del env
        self.ids.table += 1
        alias = f"t{self.ids.table}"
        pairs = ", ".join(f"{{'c': {quote(col.name)}, 'v': {to_string(col.ex)}}}" for col in rel.cols)
        frm = f"(SELECT r, unnest([{pairs}]) AS p FROM (SELECT *, row_number() OVER () - 1 AS r FROM {rel.frm}) AS {rel.frm.rsplit(' AS ', 1)[1]}) AS {alias}"
        del node
        return Rel(
            self.ids,
            [
                Col("Row", Ex(f"{alias}.r", "long")),
                Col("Column", Ex(f"{alias}.p.c", "string")),
                Col("Value", Ex(f"{alias}.p.v", "string")),
            ],
            frm,
        )

    def ip_lookup(self, node: Evaluate, rel: Rel, env: Env) -> Rel:
        """`ipv4_lookup(table, address, network [, extra keys] [, return_unmatched])`."""
        args = [arg for arg in node.call.args if not isinstance(arg, Named)]
        unmatched = False
        for arg in node.call.args:
            if isinstance(arg, Named):
                if arg.names[0] != "return_unmatched":
                    raise Fault(f"{node.call.name} has no parameter {arg.names[0]!r}", arg.pos)
                unmatched = bool(self.constant(arg.value, Scope(None, env), "return_unmatched"))
        if args and isinstance(args[-1], Lit) and args[-1].type == "bool":
            unmatched = bool(args.pop().value)  # type: ignore[attr-defined]
        if len(args) < 3:
            raise Fault(
                f"{node.call.name} takes a table, an address and the table's network column", node.pos
            )
        right = self.table_of(args[0], env).flush()
        address = to_string(self.ex(args[1], Scope(rel, env)))
        network = self.ex(args[2], Scope(right, env))
        extra = args[3:]
        test = "k_ipv4_is_in_range" if node.call.name == "ipv4_lookup" else "k_ipv6_is_in_range"
        conditions = [f"{test}({address}, {to_string(network)})"]
        for key in extra:
            if not isinstance(key, Name) or key.name not in rel.names or key.name not in right.names:
                raise Fault("an extra key is a column of both tables", key.pos)
            conditions.append(
                f"{rel.names[key.name].ex.sql} IS NOT DISTINCT FROM {right.names[key.name].ex.sql}"
            )
        cols = list(rel.cols)
        namer = Namer({col.name for col in cols})
        drop = {key.name for key in extra if isinstance(key, Name)}
        for col in right.cols:
            if col.name in drop:
                continue
            ex = (
                Ex(f"coalesce({col.ex.sql}, '')", "string")
                if unmatched and col.ex.type == "string"
                else col.ex
            )
            cols.append(Col(namer.unique(col.name), ex))
        return Rel(
            self.ids,
            cols,
            f"{rel.frm} {'LEFT JOIN' if unmatched else 'JOIN'} {right.frm} ON {' AND '.join(conditions)}",
            rel.leaves,
        )


def _kind(kinds: set[str]) -> str:
    """Give the type of a key's values: theirs where all have the same one, else dynamic (docs: bag_unpack)."""
    kinds = kinds - {"null"}
    return next(iter(kinds)) if len(kinds) == 1 else "dynamic"


__all__ = ["Plugins", "to_json"]
