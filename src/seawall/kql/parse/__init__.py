"""Text -> tree: a hand-written parser, since the published grammar refuses what Kusto accepts (specs b.7)."""

from seawall.kql.parse.statements import parse

__all__ = ["parse"]
