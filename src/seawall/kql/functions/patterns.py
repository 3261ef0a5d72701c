"""Functions of regular expressions (docs: extract, extract_all, replace_regex, trim, countof, indexof_regex)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from seawall.kql.bind import regular
from seawall.kql.bind.values import Ex, literal
from seawall.kql.errors import Fault, Unanswered, refuse
from seawall.kql.functions.core import convert, type_argument
from seawall.kql.functions.registry import coerce, result, special, udf
from seawall.kql.regex import PatternError, compile_regex
from seawall.kql.regex.pike import Program, Spans, TooLargeError, program
from seawall.kql.regex.sets import UnknownClassError

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.kql.bind.regular import Matcher


def _pattern(binder: Any, node: Any, scope: Any, form: str = "{}") -> tuple[Ex, Matcher]:
    pattern = binder.ex(node, scope)
    sql = coerce(pattern, "string", node.pos, "a regular expression")
    return pattern, regular.matcher(pattern, sql, node.pos, form)


@special("extract")
def extract(binder: Any, node: Any, scope: Any) -> Ex:
    """`extract(regex, group, text [, typeof(type)])`."""
    args = node.args
    if not 3 <= len(args) <= 4:
        raise Fault("extract() takes 3 or 4 arguments", node.pos)
    _, pattern = _pattern(binder, args[0], scope)
    group = binder.constant(args[1], scope, "a capture group")
    text = coerce(binder.ex(args[2], scope), "string", args[2].pos, "extract()")
    if not isinstance(group, int) or not 0 <= group <= 15:
        raise Fault("a capture group is a number from 0 to 15", args[1].pos)
    value = Ex(
        pattern.write(
            text,
            lambda one: f"regexp_extract({text}, {one}, {group})",
            f"k_rx_extract({text}, {{}}, {group})",
        ),
        "string",
    )
    if len(args) == 3:
        return value
    type_ = type_argument(args[3])
    return result(
        convert(value, type_, args[3].pos) if type_ != "dynamic" else f"k_parse_json({value.sql})", type_
    )


@special("extract_all extractall")
def extract_all(binder: Any, node: Any, scope: Any) -> Ex:
    """`extract_all(regex [, groups], text)`: an array, of arrays where the pattern has several groups."""
    args = node.args
    if not 2 <= len(args) <= 3:
        raise Fault("extract_all() takes 2 or 3 arguments", node.pos)
    _, pattern = _pattern(binder, args[0], scope)
    if pattern.regex is None:
        raise Fault("extract_all() takes a constant as its regular expression", args[0].pos)  # SEM0040
    text = coerce(binder.ex(args[-1], scope), "string", args[-1].pos, "extract_all()")
    count = pattern.regex.groups
    if not count:
        raise Fault("extract_all() needs a pattern with at least one capture group", args[0].pos)
    chosen: list[Any] = list(range(1, count + 1))
    if len(args) == 3:
        given = binder.constant(args[1], scope, "the capture groups")
        names = pattern.regex.names
        given = [names.get(g, g) for g in given] if isinstance(given, list) else given
        if not isinstance(given, list) or not all(isinstance(g, int) for g in given):
            raise refuse("extract_all() with these capture groups", args[1].pos)
        # Groups that the pattern does not have are left out; where none is left, all are meant (duckdb-kql, measured).
        chosen = [g for g in given if 1 <= g <= count] or chosen
    numbers = "[" + ",".join(map(str, chosen)) + "]"
    found = pattern.write(
        text, lambda one: _all_groups(text, one, chosen), f"k_rx_all({text}, {{}}, '{numbers}')"
    )
    return result(found, "dynamic")


def _all_groups(text: str, pattern: str, chosen: list[int]) -> str:
    # A group that took no part is the empty text: strings have no null.
    lists = [
        f"list_transform(regexp_extract_all({text}, {pattern}, {group}), lambda one: coalesce(one, ''))"
        for group in chosen
    ]
    if len(lists) == 1:
        body = f"to_json({lists[0]})::VARCHAR"
    else:
        inner = ", ".join(f"{one}[i]" for one in lists)
        body = f"to_json(list_transform(range(1, len({lists[0]}) + 1), lambda i: [{inner}]))::VARCHAR"
    return f"CASE WHEN len({lists[0]}) = 0 THEN NULL ELSE {body} END"


@special("replace_regex replace")
def replace_regex(binder: Any, node: Any, scope: Any) -> Ex:
    """`replace_regex(text, regex, rewrite)`; the old `replace(regex, rewrite, text)`."""
    if len(node.args) != 3:
        raise Fault(f"{node.name}() takes 3 arguments, here are {len(node.args)}", node.pos)
    text, pattern, rewrite = (
        node.args if node.name == "replace_regex" else (node.args[2], node.args[0], node.args[1])
    )
    _, regex = _pattern(binder, pattern, scope)
    return _replaced(
        coerce(binder.ex(text, scope), "string", text.pos, node.name),
        regex,
        coerce(binder.ex(rewrite, scope), "string", rewrite.pos, node.name),
    )


def _replaced(text: str, pattern: Matcher, rewrite: str) -> Ex:
    return Ex(
        pattern.write(
            text,
            lambda one: f"regexp_replace({text}, {one}, {rewrite}, 'g')",
            f"k_rx_replace({text}, {{}}, {rewrite})",
        ),
        "string",
    )


def _trimmer(form: str) -> Any:
    def bound(binder: Any, node: Any, scope: Any) -> Ex:
        pattern, regex = _pattern(binder, node.args[0], scope, form)
        if pattern.known and not pattern.const:
            raise Fault(f"{node.name}() takes a regular expression that is not empty", node.args[0].pos)
        text = coerce(binder.ex(node.args[1], scope), "string", node.args[1].pos, node.name)
        return _replaced(text, regex, "''")

    return bound


# One pattern that takes what stands at the ends (duckdb-kql: read off Kusto's own error messages).
special("trim")(_trimmer("^({})|({})$"))
special("trim_start")(_trimmer("^({})"))
special("trim_end")(_trimmer("({})$"))


@special("countof")
def countof(binder: Any, node: Any, scope: Any) -> Ex:
    """`countof(text, search [, kind])`: plain occurrences may overlap, those of a regex do not."""
    args = node.args
    kind = binder.constant(args[2], scope, "the kind") if len(args) > 2 else "normal"
    if kind not in ("normal", "regex"):
        raise Fault("the kind of countof() is 'normal' or 'regex'", args[2].pos)
    text = coerce(binder.ex(args[0], scope), "string", args[0].pos, "countof()")
    if kind == "regex":
        _, pattern = _pattern(binder, args[1], scope)
        return Ex(
            pattern.write(
                text,
                lambda one: f"len(regexp_extract_all({text}, {one}))::BIGINT",
                f"k_rx_count({text}, {{}})",
            ),
            "long",
        )
    return Ex(
        f"k_countof({text}, {coerce(binder.ex(args[1], scope), 'string', args[1].pos, 'countof()')})", "long"
    )


MAX_STEPPED = 100
"""Up to this occurrence RE2 steps over the earlier ones."""


@special("indexof_regex")
def indexof_regex(binder: Any, node: Any, scope: Any) -> Ex:
    """`indexof_regex(text, regex [, start [, length [, occurrence]]])`: matches do not overlap."""
    args = node.args
    if not 2 <= len(args) <= 5:
        raise Fault("indexof_regex() takes 2 to 5 arguments", node.pos)
    text = coerce(binder.ex(args[0], scope), "text", args[0].pos, f"{node.name}()")
    _, pattern = _pattern(binder, args[1], scope)
    start, length, times = (
        [*(binder.constant(arg, scope, "a position") for arg in args[2:]), None, None, None]
    )[:3]
    start, length, times = start or 0, -1 if length is None else length, 1 if times is None else times
    if not (isinstance(start, int) and isinstance(length, int) and isinstance(times, int)):
        raise Fault("the positions of indexof_regex() are whole numbers", node.pos)
    if start < 0 or length < -1 or times < 1:
        return literal(None, "long")
    part = f"substring({text}, {start + 1}{'' if length < 0 else f', {length}'})"
    ours = f"k_rx_index({part}, {{}}, {start}, {times})"
    if times > MAX_STEPPED:
        return Ex(ours.replace("{}", pattern.sql), "long")

    def stepped(one: str) -> str:
        # What stands before the match is what a lazy prefix takes; earlier matches are stepped over.
        before = f"('(?s)^((?:.*?(?:' || {one} || ')){{{times - 1}}}.*?)(?:' || {one} || ')')"
        return (
            f"CASE WHEN regexp_matches({part}, {before}) "
            f"THEN length(regexp_extract({part}, {before}, 1)) + {start} ELSE -1 END::BIGINT"
        )

    return Ex(pattern.write(part, stepped, ours), "long")


# --- our own machine ----------------------------------------------------------------------------------------


def _program(pattern: str) -> Program:
    try:
        return program(pattern)
    except PatternError as error:
        raise ValueError(f"this regular expression cannot be read: {error}") from None


def _own(pattern: str) -> bool:
    return compile_for_all(pattern) is None


def compile_for_all(pattern: str) -> str | None:
    """Write a pattern for RE2 that serves all texts, None where there is none."""
    try:
        return compile_regex(pattern).full
    except PatternError as error:
        raise ValueError(f"this regular expression cannot be read: {error}") from None


def _span(text: str, spans: Spans, group: int) -> str:
    if 2 * group + 1 >= len(spans):
        return ""
    begin, end = spans[2 * group], spans[2 * group + 1]
    return "" if begin is None or end is None else text[begin:end]


def _extract(text: str, pattern: str, group: int) -> str:
    found = _program(pattern).search(text)
    return "" if found is None else _span(text, found, group)


def _all(text: str, pattern: str, groups: Any) -> list[Any] | None:
    found = [[_span(text, spans, group) for group in groups] for spans in _program(pattern).matches(text)]
    if not found:
        return None
    return [one[0] for one in found] if len(groups) == 1 else found


_REFERENCE = re.compile(r"\\(\d|\\)")


def _rewritten(rewrite: str, text: str, spans: Spans) -> str:
    def part(reference: re.Match[str]) -> str:
        return "\\" if reference[1] == "\\" else _span(text, spans, int(reference[1]))

    return _REFERENCE.sub(part, rewrite)


def _replace(text: str, pattern: str, rewrite: str) -> str:
    out: list[str] = []
    at = 0
    for spans in _program(pattern).matches(text):
        out += [text[at : spans[0] or 0], _rewritten(rewrite, text, spans)]
        at = spans[1] or 0
    return "".join(out) + text[at:]


def _index(text: str, pattern: str, start: int, times: int) -> int:
    found = _program(pattern).matches(text)
    return -1 if len(found) < times else (found[times - 1][0] or 0) + start


def _answered(call: Callable[..., Any]) -> Callable[..., Any]:
    """Tell what the machine does not answer as a refusal."""

    def run(*args: Any) -> Any:
        try:
            return call(*args)
        except (TooLargeError, UnknownClassError) as error:
            raise Unanswered(str(error)) from None

    return run


udf("regex", "string", "string", lambda pattern: compile_for_all(pattern) or "")
udf("regex_own", "string", "bool", _own)
for _name, _params, _type, _call in (
    ("rx_test", "string string", "bool", lambda text, pattern: _program(pattern).search(text) is not None),
    ("rx_extract", "string string long", "string", _extract),
    ("rx_all", "string string dynamic", "dynamic", _all),
    ("rx_count", "string string", "long", lambda text, pattern: len(_program(pattern).matches(text))),
    ("rx_replace", "string string string", "string", _replace),
    ("rx_index", "string string long long", "long", _index),
):
    udf(_name, _params, _type, _answered(_call))
