"""Calico's own policies: read into the rules that both engines decide by (specs b3)."""

from seawall.network.calico.policies import CalicoReader
from seawall.network.calico.selector import parse_selector

__all__ = ["CalicoReader", "parse_selector"]
