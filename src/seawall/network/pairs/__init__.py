"""All pairs by classes: who can talk to whom in the whole estate, at once."""

from seawall.network.pairs.engine import Matrix

__all__ = ["Matrix"]
