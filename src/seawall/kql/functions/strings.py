"""Functions on strings (docs: query/string-functions). Positions count characters from 0."""

from __future__ import annotations

from typing import Any

from seawall.kql.bind.values import Ex, literal, to_json, to_string
from seawall.kql.errors import Fault, Unanswered
from seawall.kql.functions.registry import coerce, python, result, special, sql, udf

sql("strlen", "string", "long", "length({0})")
sql("string_size", "string", "long", "strlen({0})")
sql("toupper", "text", "string", "upper({0})")
sql("tolower", "text", "string", "lower({0})")
sql("reverse", "text", "string", "reverse({0})")
sql(
    "replace_string",
    "string string string",
    "string",
    "CASE WHEN {1} = '' THEN {0} ELSE replace({0}, {1}, {2}) END",
)
# The characters that mean something in an expression (its page), no others: those of Rust's escape().
sql("regex_quote", "text", "string", r"regexp_replace({0}, '[\\.+*?()|\[\]{{}}^$#&~-]', '\\\0', 'g')")
sql("isascii", "text", "bool", "(NOT regexp_matches({0}, '[^\\x00-\\x7f]'))")
sql("isutf8", "text", "bool", "({0} IS NOT NULL)")
sql("strcmp", "text text", "long", "CASE WHEN {0} = {1} THEN 0 WHEN {0} < {1} THEN -1 ELSE 1 END::BIGINT")


@special("strcat")
def strcat(binder: Any, node: Any, scope: Any) -> Ex:
    """`strcat(a, b, ...)`: the texts one after the other."""
    if not node.args:
        raise Fault("strcat() takes at least one argument", node.pos)
    return Ex("(" + " || ".join(to_string(value) for value in binder.args(node, scope)) + ")", "string")


@special("strcat_delim")
def strcat_delim(binder: Any, node: Any, scope: Any) -> Ex:
    """`strcat_delim(delimiter, a, b, ...)`."""
    values = binder.args(node, scope)
    if len(values) < 2:
        raise Fault("strcat_delim() takes a delimiter and at least one value", node.pos)
    return Ex(f"concat_ws({', '.join(to_string(value) for value in values)})", "string")


@special("substring")
def substring(binder: Any, node: Any, scope: Any) -> Ex:
    """`substring(text, start [, length])`: a negative start counts from the end (docs: substring)."""
    args = node.args
    if not 2 <= len(args) <= 3:
        raise Fault("substring() takes 2 or 3 arguments", node.pos)
    text = coerce(binder.ex(args[0], scope), "text", args[0].pos, "substring()")
    start = binder.ex(args[1], scope)
    at = coerce(start, "long", args[1].pos, "substring()")
    size = coerce(binder.ex(args[2], scope), "long", args[2].pos, "substring()") if len(args) == 3 else ""
    if start.known and isinstance(start.const, int) and 0 <= start.const < 2**31 - 1:
        if not size:
            return Ex(f"substring({text}, {start.const + 1})", "string")
        return Ex(f"coalesce(substring({text}, {start.const + 1}, greatest({size}, 0)), '')", "string")
    return Ex(f"k_substring({text}, {at}, {size or 'NULL'})", "string")


def _substring(text: str, start: int, size: int | None) -> str:
    if start < 0:
        start += len(text)
        if start < 0:
            return ""
    return text[start:] if size is None else text[start : start + max(size, 0)]


udf("substring", "string long long?", "string", _substring)


@special("split")
def split(binder: Any, node: Any, scope: Any) -> Ex:
    """`split(text, delimiter [, index])`: an array of texts."""
    args = node.args
    if not 2 <= len(args) <= 3:
        raise Fault("split() takes 2 or 3 arguments", node.pos)
    text = coerce(binder.ex(args[0], scope), "text", args[0].pos, "split()")
    mark = binder.ex(args[1], scope)
    delimiter = coerce(mark, "string", args[1].pos, "split()")
    if len(args) == 2:
        if mark.known and mark.const:
            return result(f"to_json(str_split({text}, {delimiter}))::VARCHAR", "dynamic")
        return result(f"k_split({text}, {delimiter}, NULL)", "dynamic")
    return result(
        f"k_split({text}, {delimiter}, {coerce(binder.ex(args[2], scope), 'long', args[2].pos, 'split()')})",
        "dynamic",
    )


def _split(text: str, delimiter: str, index: int | None) -> list[str] | None:
    if not delimiter:
        return None
    parts = text.split(delimiter)
    if index is None:
        return parts
    return [parts[index]] if 0 <= index < len(parts) else None


udf("split", "string string long?", "dynamic", _split)


def _countof(text: str, search: str) -> int:
    if not search:
        return 0
    count, at = 0, text.find(search)
    while at >= 0:
        count += 1
        at = text.find(search, at + 1)
    return count


udf("countof", "string string", "long", _countof)


@python("indexof", "text text long? long? long?", "long")
def indexof(
    text: str, search: str, start: int | None, length: int | None, occurrence: int | None
) -> int | None:
    """`indexof(text, search [, start [, length [, occurrence]]])` (docs: indexof)."""
    begin = 0 if start is None else start
    if begin < 0:
        begin += len(text)
    begin = max(begin, 0)
    if length is not None and length < -1:
        return None
    times = 1 if occurrence is None else occurrence
    if times <= 0:
        return None
    at = begin - 1
    for _ in range(min(times, len(text) + 1)):
        # The length counts anew from where each search begins (the docs' idx8).
        stop = len(text) if length is None or length == -1 else min(len(text), at + 1 + length)
        at = text.find(search, at + 1, stop)
        if at < 0:
            return -1
    return at


@python("has_any_index", "string dynamic", "long")
def has_any_index(text: str, items: Any) -> int:
    """`has_any_index(text, array)`: the index of the first item that occurs as a term."""
    for index, item in enumerate(items if isinstance(items, list) else [items]):
        if term_match(text, str(item), False, True, True):
            return index
    return -1


def term_match(text: str, needle: str, exact: bool, lead: bool, trail: bool) -> bool:
    """Tell whether a needle occurs with its letter or digit ends on term borders (see `compare.term`)."""
    if not needle:
        return True
    if not exact:
        text, needle = text.lower(), needle.lower()
    first, last = lead and needle[0].isalnum(), trail and needle[-1].isalnum()
    at = text.find(needle)
    while at >= 0:
        end = at + len(needle)
        if not (first and at and text[at - 1].isalnum()) and not (
            last and end < len(text) and text[end].isalnum()
        ):
            return True
        at = text.find(needle, at + 1)
    return False


def _terms(text: str, items: Any, every: bool) -> bool:
    values = items if isinstance(items, list) else [items]
    hits = (term_match(text, "" if v is None else str(v), False, True, True) for v in values)
    return all(hits) if every else any(hits)


def _in(text: str, items: Any, fold: bool) -> bool:
    values = items if isinstance(items, list) else [items]
    texts = ["true" if v is True else "false" if v is False else str(v) for v in values if v is not None]
    return text.lower() in [t.lower() for t in texts] if fold else text in texts


udf("term", "string string bool bool bool", "bool", term_match)
udf("terms", "string dynamic bool", "bool", _terms)
udf("in", "string dynamic bool", "bool", _in)


@python("strrep", "text long text?", "string")
def strrep(text: str, count: int, delimiter: str | None) -> str:
    """`strrep(text, count [, delimiter])`: at most 1,024 times (docs: strrep)."""
    return (delimiter or "").join([text] * max(0, min(count, 1024)))


@python("translate", "string string string", "string")
def translate(search: str, replacement: str, text: str) -> str:
    """`translate(search, replacement, text)`: character by character; the last replacement serves the rest."""
    if not replacement:
        return "".join(char for char in text if char not in search)
    table = {char: replacement[min(i, len(replacement) - 1)] for i, char in reversed(list(enumerate(search)))}
    return "".join(table.get(char, char) for char in text)


@python("unicode_codepoints_from_string to_utf8", "text", "dynamic")
def codepoints(text: str) -> list[int]:
    """`unicode_codepoints_from_string(text)`."""
    return [ord(char) for char in text]


@special("unicode_codepoints_to_string make_string")
def from_codepoints(binder: Any, node: Any, scope: Any) -> Ex:
    """`unicode_codepoints_to_string(numbers or arrays, ...)`."""
    values = binder.args(node, scope)
    if any(value.type not in ("int", "long", "dynamic") for value in values):  # KS136
        raise Fault(f"{node.name}() takes whole numbers and arrays of them", node.pos)
    parts = ", ".join(f"coalesce({to_json(value)}, 'null')" for value in values)
    return Ex(f"k_make_string('[' || concat_ws(',', {parts}) || ']')", "string")


def _make_string(values: Any) -> str:
    codes = [code for value in values for code in (value if isinstance(value, list) else [value])]
    if not all(isinstance(c, int) and 0 <= c <= 0x10FFFF and not 0xD800 <= c <= 0xDFFF for c in codes):
        return ""  # one that is no code point makes the whole null, which a string is not (its page)
    return "".join(map(chr, codes))


udf("make_string", "dynamic", "string", _make_string)


@special("parse_command_line")
def parse_command_line(binder: Any, node: Any, scope: Any) -> Ex:
    """`parse_command_line(text, "windows")`: an array of arguments; no other parser is documented."""
    text, kind = node.args
    if binder.constant(kind, scope, "the parser") != "windows":
        raise Fault("parse_command_line() knows no parser but 'windows'", kind.pos)
    return result(
        f"k_parse_command_line({coerce(binder.ex(text, scope), 'text', text.pos, node.name)})", "dynamic"
    )


def _command_line(text: str) -> list[str]:
    """Cut a command line as CommandLineToArgvW does (its page at learn.microsoft.com; R. Chen, 2010-09-17).

    The first argument names a program: quotes end it, backslashes are plain. In the others 2n backslashes before a
    quote are n and the quote opens or closes, 2n + 1 are n and the quote is plain; other backslashes are plain.
    """
    if not text:
        return []
    if text[0] == '"':
        end = text.find('"', 1)
        end = len(text) if end < 0 else end
        out, at = [text[1:end]], end + 1
    else:
        end = next((i for i, char in enumerate(text) if char <= " "), len(text))
        out, at = [text[:end]], end
    size = len(text)
    while True:
        while at < size and text[at] in " \t":
            at += 1
        if at >= size:
            return out
        argument, at = _argument(text, at)
        out.append(argument)


def _argument(text: str, at: int) -> tuple[str, int]:
    out: list[str] = []
    quoted = False
    size = len(text)
    while at < size and (quoted or text[at] not in " \t"):
        if text[at] not in '\\"':
            out.append(text[at])
            at += 1
            continue
        start = at
        while at < size and text[at] == "\\":
            at += 1
        slashes = at - start
        if at == size or text[at] != '"':
            out.append("\\" * slashes)
            continue
        out.append("\\" * (slashes // 2))
        at += 1
        if slashes % 2:
            out.append('"')
            continue
        if quoted and text[at : at + 1] == '"':
            raise Unanswered(
                "parse_command_line(): what a doubled quote inside quotes means is not documented"
            )
        quoted = not quoted
    return "".join(out), at


udf("parse_command_line", "string", "dynamic", _command_line)


@special("replace_strings")
def replace_strings(binder: Any, node: Any, scope: Any) -> Ex:
    """`replace_strings(text, searches, replacements)`."""
    text, searches, news = node.args
    return Ex(
        f"k_replace_strings({coerce(binder.ex(text, scope), 'string', text.pos, node.name)}, "
        f"{coerce(binder.ex(searches, scope), 'dynamic', searches.pos, node.name)}, {to_json(binder.ex(news, scope))})",
        "string",
    )


def _replace_strings(text: str, searches: Any, news: Any) -> str:
    """Replace what was found in one text; an earlier search has the first choice of it (docs: replace_strings).

    What one search has matched no later one sees, even where its replacement is no string and it stays as it was.
    """
    if not isinstance(searches, list):
        return text
    pieces: list[tuple[str, bool]] = [(text, False)]
    for index, search in enumerate(searches):
        if not isinstance(search, str) or not search:
            continue
        new = (news[index] if index < len(news) else "") if isinstance(news, list) else news
        put = new if isinstance(new, str) else search
        out: list[tuple[str, bool]] = []
        for piece, done in pieces:
            first, *rest = [piece] if done else piece.split(search)
            out.append((first, done))
            for part in rest:
                out += [(put, True), (part, False)]
        pieces = out
    return "".join(piece for piece, _ in pieces)


udf("replace_strings", "string dynamic dynamic", "string", _replace_strings)

__all__ = ["literal", "term_match"]
