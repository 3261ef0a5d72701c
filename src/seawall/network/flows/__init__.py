"""Flows that were seen, and the least that policies must allow for them."""

from seawall.network.flows.read import Seen, read_flows
from seawall.network.flows.synthesize import Synthesis, synthesize

__all__ = ["Seen", "Synthesis", "read_flows", "synthesize"]
