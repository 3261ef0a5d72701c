"""A property that is a text is not equal to true or false: the settings of add-ons are texts (specs, trap 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.kql.lint.model import Found, dotted
from seawall.kql.lint.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.kql.lint.flow import Flow

SEVERITY = "error"


def check(flow: Flow) -> Iterator[Found]:
    """Find bool literals beside properties that hold texts."""
    table = schema()
    for compared in flow.compared:
        known = table.near(compared.path)
        above = table.near(compared.path[:-1])
        # The values of a bag of texts (an add-on's config, tags, labels) are texts, whatever their key.
        texts = above is not None and above.collection == "dict" and table.open(compared.path[:-1])
        named = known is not None and known.kind in ("string", "enum") and known.collection != "list"
        if not texts and not named:
            continue
        for value in compared.values:
            if isinstance(value, bool) and not compared.text and compared.op in ("==", "!="):
                word = str(value).lower()
                yield Found(
                    compared.pos,
                    f"{dotted(compared.path)} is a text: it never equals the bool {word}",
                    f"compare it with {word!r}, by =~",
                )
