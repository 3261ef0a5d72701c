"""The fast path: yaml-rs, taken only where no token could be read differently by it and by Kubernetes.

yaml-rs speaks YAML 1.2 and is about ten times faster than the exact path. One compiled expression over the bytes
looks for everything that the two could read differently, or that could hurt a native parser; it errs on the
safe side. tests/sources/test_yaml_paths.py proves that both paths give equal objects.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

import yaml_rs

# A token ends before a line's end or a separator. (A line feed is put in front of the text, so that every
# token has something before it: an expression that starts with a set of bytes is searched several times faster.
# Repetitions are possessive, or bounded by what follows them, so that the search is linear.)
_END: Final = rb"[ ]*+(?:[\n:,\]}#]|\Z)"
_WORDS: Final = (
    rb"(?:[yY](?:es)?|YES|[nN]o?|NO|[oO]n|ON|[oO]ff|OFF|T(?:rue|RUE)|F(?:alse|ALSE)|N(?:ull|ULL)|~|"
    rb"[-+]?\.?(?:[iI]nf|INF|NaN|nan|NAN))" + _END
)
# A number other than a plain decimal integer of at most 18 digits, and every number in the place of a key.
_NUMBERS: Final = (
    rb"[-+]?0_*+[xXoObB][-+0-9a-fA-F_]*+" + _END +
    rb"|(?!-?(?:0|[1-9][0-9]{0,17})[ ]*(?:[\n,\]}#]|\Z))"
    rb"[-+]?(?:[0-9_]++(?:\.[0-9_]*+)?|\.[0-9_]++)(?:[eE][-+]?[0-9_]++)?" + _END
)  # fmt: skip
_KEYS: Final = rb"(?:true|false|null)[ ]*:|:(?:[ \n]|\Z)"
# Anchors, aliases, tags, complex keys, directives, merge keys, reserved characters.
_INDICATORS: Final = rb"[&!?%@`]|\*(?!\])|<<"
_TOKEN: Final = re.compile(
    rb"[ \n\[{,](?=[-+.0-9_~:&*!?%@`<yYnNoOtTfFiI])(?:"
    rb"(?=[-+.0-9_])(?:" + _NUMBERS + rb")|" + _WORDS + rb"|" + _KEYS + rb"|" + _INDICATORS + rb")"
)
# Everything below is looked for only where its first byte occurs at all.
_ORDINARY: Final = bytes(byte for byte in range(256) if byte == 10 or 32 <= byte <= 126)
# Control characters, tabs, and what 1.1 takes for line breaks or refuses: NEL, LS, PS, surrogates, U+FFFE.
_CONTROL: Final = re.compile(
    rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]|\xed[\xa0-\xbf]"
)
# Folded blocks, literal ones with anything but a chomping mark behind the bar, and an empty one at the end.
_BLOCK: Final = re.compile(rb"[:\n-][ ]*+(?<=[ \n])(?:>|\|(?![-+]?\n))")
_TOP_BLOCK: Final = re.compile(rb"\n[ ]*+\|")
_LAST_BLOCK: Final = re.compile(rb"\|[-+]?\s*\Z")
# Flow that is more than one level of plain words and closed quotes on one line, to the line's end: a flow collection
# starts behind `: `, `- ` or a line's start, unless that line is the first of a literal block, as JSON often is.
# (yaml-rs makes tuples of flow in the place of a key.)
_WORD: Final = (
    rb"""(?:[^\[\]{}\n"':#&*!|>%@`?, -][^\[\]{}\n"':#&*!|>%@`?,]*+|"[^"\\\n]*"|'[^'\n]*'|-?[0-9]++)"""
)
_PAIR: Final = rb"[A-Za-z_][A-Za-z0-9_./-]*+:[ ]++" + _WORD
_SIMPLE_FLOW: Final = (
    rb"(?:\[[ ]*+(?:" + _WORD + rb"(?:,[ ]*+" + _WORD + rb")*+)?[ ]*+\]|"
    rb"\{[ ]*+(?:" + _PAIR + rb"(?:,[ ]*+" + _PAIR + rb")*+)?[ ]*+\})[ ]*+\n"
)  # fmt: skip
_FLOW: Final = re.compile(
    rb"[\n:-](?:(?<=\n)(?<!\|\n)(?<!\|[-+]\n)|(?<=[:-])[ ])[ ]*+(?=[\[{])(?!" + _SIMPLE_FLOW + rb")"
)
_FLOW_KEY: Final = re.compile(rb"[\]}][ ]*+:")
_ESCAPE: Final = re.compile(rb'\\[^"\\n]')
# A key, or dashes, with a literal block behind it; group 1 reaches to where the key begins.
_OPENS_BLOCK: Final = re.compile(
    rb"^([ ]*+(?:-[ ]++)*+)(?:[A-Za-z_][A-Za-z0-9_./-]*+:[ ]++)?\|[-+]?\n", re.MULTILINE
)
_INDENT: Final = re.compile(rb"( *+)")
# Deep nesting: yaml-rs recurses (it fell over a thousand levels on a stack of 512 KB). And a document's end.
_INDENTED: Final = b"\n" + b" " * 64
_STAIRS: Final = b"- - - - "
_ENDED: Final = b"\n..."


def is_plain(data: bytes) -> bool:
    """Say whether no token of the text could be read differently by the fast reader."""
    text = b"\n" + data
    if text.translate(None, _ORDINARY) and _CONTROL.search(text):
        return False
    if b"\\" in text and _ESCAPE.search(text):
        return False
    bar = b"|" in text
    if bar:
        if _TOP_BLOCK.search(text) or _LAST_BLOCK.search(text):
            return False
        text = _without_blocks(text)
    if _TOKEN.search(text) or _INDENTED in text or _STAIRS in text or _ENDED in text:
        return False
    if (bar or b">" in text) and _BLOCK.search(text):
        return False
    return not ((b"[" in text or b"{" in text) and (_FLOW.search(text) or _FLOW_KEY.search(text)))


def _without_blocks(text: bytes) -> bytes:
    """Leave out the lines of literal blocks: they are no tokens, whatever stands in them.

    The first line of a block says how far in it stands; what is as far in belongs to it, everything else stays.
    """
    parts: list[bytes] = []
    at = 0
    for match in _OPENS_BLOCK.finditer(text):
        if match.start() < at:
            continue  # within the last block
        first = _INDENT.match(text, match.end())
        # A first line that is blank, or not further in, is left to the checks; so is all that is less far in than it.
        if first is None or len(first[1]) <= len(match[1]) or text[first.end() : first.end() + 1] in b"\n":
            continue
        behind = _further_out(len(first[1]) - 1).search(text, first.end())
        end = behind.start() if behind else len(text)
        parts.append(text[at : match.end()])
        at = end
    parts.append(text[at:])
    return b"".join(parts)


@cache
def _further_out(indent: int) -> re.Pattern[bytes]:
    """Match the beginning of a line that is not further in than an indentation, and not blank."""
    return re.compile(rb"^ {0,%d}(?![ \n])" % indent, re.MULTILINE)


def load(data: bytes) -> tuple[bool, Any]:
    """Read one document for which `is_plain` holds; the first value is False where the exact path must decide."""
    try:
        return True, yaml_rs.loads(data.decode(), parse_datetime=False)
    except (yaml_rs.YAMLDecodeError, UnicodeDecodeError):
        return False, None
