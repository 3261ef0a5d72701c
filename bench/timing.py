"""Time whole processes and calls; the median of some runs counts."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[1]
SEAWALL = str(ROOT / ".venv" / "bin" / "seawall")
PEERS = ROOT / ".venv" / "peers" / "bin"


def process(command: Sequence[str], *, runs: int = 3, allowed: Sequence[int] = (0, 1)) -> float:
    """Return the median wall time in seconds of a whole process; its output is thrown away."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        times.append(time.perf_counter() - start)
        if done.returncode not in allowed:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]!r}")
    return statistics.median(times)


def call(function: Callable[[], Any], *, runs: int = 3) -> float:
    """Return the median time in seconds of a call."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peer(name: str) -> str | None:
    """Return the path of a peer's program, or None where it is not installed."""
    for place in (PEERS / name, Path.home() / "go" / "bin" / name):
        if os.access(place, os.X_OK):
            return str(place)
    return None
