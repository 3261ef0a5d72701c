"""Run the proof in a process of its own and compare what arrived with what the model said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

from seawall.core import InputError
from seawall.lab.packets.plan import Outcome

if TYPE_CHECKING:
    from seawall.lab.packets.plan import Plan

TIMEOUT = 600
"""Seconds after which the worker is killed, and all that it made with it."""


class Wrong(msgspec.Struct, frozen=True):
    """A packet that did other than the model says."""

    source: str
    target: str
    version: int
    protocol: str
    port: int
    model: str
    packet: str


class Proof(msgspec.Struct, frozen=True):
    """What came of it: counts, and every packet that did other than the model says."""

    ends: int
    pods: int
    probes: int
    allowed: int
    denied: int
    wrong: tuple[Wrong, ...]
    left_out: tuple[str, ...]
    seconds: dict[str, float]


def why_not() -> str:
    """Say why this machine cannot run the proof; empty where it can."""
    if sys.platform != "linux":
        return "it needs Linux"
    if os.geteuid() != 0:
        return "it needs root: network namespaces and nftables"
    for program, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(program) is None:
            return f"{program} is not on PATH: apt-get install {package}"
    script = "import ctypes,sys; sys.exit(ctypes.CDLL(None).unshare(0x40000000) != 0)"
    if subprocess.run([sys.executable, "-c", script], check=False).returncode:
        return "the kernel does not let this user make network namespaces"
    return ""


def prove(plan: Plan) -> Proof:
    """Send every packet of the plan.

    Raises:
        InputError: the machine cannot do it, or a packet is lost even without policies: nothing is proven then.
    """
    if reason := why_not():
        raise InputError(f"the proof with packets cannot run here: {reason}")
    # A path of its own for the import: the worker starts with nothing of ours but this.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "seawall.lab.packets.worker"],
            input=msgspec.json.encode(plan),
            capture_output=True,
            check=False,
            timeout=TIMEOUT,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"the proof took longer than {TIMEOUT} seconds and was ended") from None
    if done.returncode or not done.stdout:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise InputError(f"the proof ended early: {last[0] if last else f'exit code {done.returncode}'}")
    if done.stdout.startswith(b'{"failed"'):
        raise InputError(f"the proof could not be set up: {msgspec.json.decode(done.stdout)['failed']}")
    outcome = msgspec.json.decode(done.stdout, type=Outcome)
    heard = set(outcome.baseline)
    lost = [number for number in range(len(plan.probes)) if number not in heard]
    if lost:
        first = plan.probes[lost[0]]
        raise InputError(
            f"{len(lost)} of {len(plan.probes)} packets are lost without any policy: nothing can be proven",
            hint=f"the first: {plan.names[first.source]} to {plan.names[first.target]} {first.protocol}/{first.port}",
        )
    arrived = set(outcome.arrived)
    wrong = tuple(
        Wrong(
            plan.names[probe.source],
            plan.names[probe.target],
            probe.version,
            probe.protocol,
            probe.port,
            "allow" if probe.allowed else "deny",
            "arrived" if number in arrived else "stopped",
        )
        for number, probe in enumerate(plan.probes)
        if probe.allowed != (number in arrived)
    )
    allowed = sum(probe.allowed for probe in plan.probes)
    return Proof(
        ends=len(plan.names),
        pods=plan.pods,
        probes=len(plan.probes),
        allowed=allowed,
        denied=len(plan.probes) - allowed,
        wrong=wrong,
        left_out=plan.left_out,
        seconds=outcome.seconds,
    )
