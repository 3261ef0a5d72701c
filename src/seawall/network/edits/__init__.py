"""The smallest change that turns an answer round, applied and asked again before it is shown."""

from seawall.network.edits.search import Edit, Proposal, closing, opening

__all__ = ["Edit", "Proposal", "closing", "opening"]
