"""Cilium's own policies: read into the rules that both engines decide by (specs b4)."""

from seawall.network.cilium.policies import CiliumReader

__all__ = ["CiliumReader"]
