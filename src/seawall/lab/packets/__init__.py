"""The proof with packets: pods as network namespaces, policies as nftables, every pair and port tried and compared."""

from seawall.lab.packets.plan import Plan, Probe, make_plan
from seawall.lab.packets.proof import Proof, prove, why_not

__all__ = ["Plan", "Probe", "Proof", "make_plan", "prove", "why_not"]
