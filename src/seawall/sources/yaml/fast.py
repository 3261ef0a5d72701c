"""The fast path: yaml-rs, taken only where no token could be read differently by it and by Kubernetes.

yaml-rs speaks YAML 1.2 and is about ten times faster than the exact path. One compiled expression over the bytes
looks for everything that the two could read differently, or that could hurt a native parser; it errs on the
safe side. tests/sources/test_yaml_paths.py proves that both paths give equal objects.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml_rs

# A token ends before a line's end or a separator. (A line feed is put in front of the text, so that every
# token has something before it: an expression that starts with a set of bytes is searched several times faster.)
_END: Final = rb"[ ]*(?:[\n:,\]}#]|\Z)"
_WORDS: Final = (
    rb"(?:[yY](?:es)?|YES|[nN]o?|NO|[oO]n|ON|[oO]ff|OFF|T(?:rue|RUE)|F(?:alse|ALSE)|N(?:ull|ULL)|~|"
    rb"[-+]?\.?(?:[iI]nf|INF|NaN|nan|NAN))" + _END
)
# A number other than a plain decimal integer of at most 18 digits, and every number in the place of a key.
_NUMBERS: Final = (
    rb"[-+]?0_*[xXoObB][-+0-9a-fA-F_]*" + _END +
    rb"|(?!-?(?:0|[1-9][0-9]{0,17})[ ]*(?:[\n,\]}#]|\Z))"
    rb"[-+]?(?:[0-9_][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9_]+)?" + _END
)  # fmt: skip
_KEYS: Final = rb"(?:true|false|null)[ ]*:|:(?:[ \n]|\Z)"
# Anchors, aliases, tags, complex keys, directives, merge keys, reserved characters.
_INDICATORS: Final = rb"[&*!?%@`]|<<"
_TOKEN: Final = re.compile(
    rb"[ \n\[{,](?=[-+.0-9_~:&*!?%@`<yYnNoOtTfFiI])(?:"
    rb"(?=[-+.0-9_])(?:" + _NUMBERS + rb")|" + _WORDS + rb"|" + _KEYS + rb"|" + _INDICATORS + rb")"
)
# What is looked for only where one of these bytes occurs at all.
_SPECIAL: Final = bytes(byte for byte in range(256) if byte in b"\"'\\[]{}|>" or byte < 32 or byte > 126)
_ORDINARY: Final = bytes(byte for byte in range(256) if byte not in _SPECIAL or byte == 10)
_CONSTRUCT: Final = re.compile(
    # Control characters, tabs, and what 1.1 takes for line breaks or refuses: NEL, LS, PS, surrogates, U+FFFE.
    rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]|\xed[\xa0-\xbf]"
    # Folded blocks, literal ones with anything but a chomping mark behind the bar, and an empty one at the end.
    rb"|[:-][ ]+(?:>|\|(?![-+]?\n))|[\[{,][ ]*[|>]|\n[ ]*[|>]|\|[-+]?\s*\Z"
    # Flow over several lines, nested flow, and flow in the place of a key (yaml-rs makes tuples of such keys).
    rb"|[\[{][^\]}\n]*\n|[\[{,][ \n]*[\[{:]|[\]}][ ]*:"
    # Escapes other than the plain ones, a flow key glued to its value.
    rb'|\\[^"\\n]|["\']:[^ \n]'
)
# Deep nesting: yaml-rs recurses (it fell over a thousand levels on a stack of 512 KB). And a document's end.
_INDENTED: Final = b"\n" + b" " * 64
_STAIRS: Final = b"- - - - "
_ENDED: Final = b"\n..."


def is_plain(data: bytes) -> bool:
    """Say whether no token of the text could be read differently by the fast reader."""
    text = b"\n" + data
    return not (
        _TOKEN.search(text)
        or (text.translate(None, _ORDINARY) and _CONSTRUCT.search(text))
        or _INDENTED in text
        or _STAIRS in text
        or _ENDED in text
    )


def load(data: bytes) -> tuple[bool, Any]:
    """Read one document for which `is_plain` holds; the first value is False where the exact path must decide."""
    try:
        return True, yaml_rs.loads(data.decode(), parse_datetime=False)
    except (yaml_rs.YAMLDecodeError, UnicodeDecodeError):
        return False, None
