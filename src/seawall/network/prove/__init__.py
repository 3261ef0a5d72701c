"""Proof with packets: namespaces for pods, policies as nftables, every ordered pair probed, the model compared."""

from seawall.network.prove.proof import Proof, obstacle, prove

__all__ = ["Proof", "obstacle", "prove"]
