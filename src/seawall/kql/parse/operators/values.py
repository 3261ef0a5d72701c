"""Operators that open values: mv-expand, mv-apply, parse, parse-kv."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.kql.errors import Fault
from seawall.kql.lexer import NAME, STRING
from seawall.kql.parse.operators.tables import TableParser
from seawall.kql.tree import ExpandItem, MvApply, MvExpand, Named, Operator, Parse, ParseKv, ParsePart

if TYPE_CHECKING:
    from collections.abc import Callable


class ValueParser(TableParser):
    """Reads operators that make rows or columns of values."""

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
    def expanding(legacy: bool) -> Callable[[ValueParser, int], Operator]:
        """Make the reader of mv-expand and mvexpand."""

        def read(self: ValueParser, pos: int) -> Operator:
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

    @staticmethod
    def parsing(where: bool) -> Callable[[ValueParser, int], Operator]:
        """Make the reader of parse and parse-where."""

        def read(self: ValueParser, pos: int) -> Operator:
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
                given = self.constant()
                # Quotes and escapes may be given more than once.
                options[name] = [*options.get(name, []), given] if name in ("quote", "escape") else given
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
