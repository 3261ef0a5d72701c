"""The model against packets of the real kernel: namespaces, nftables, TCP, UDP and SCTP, both families."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seawall.network.estate import read_estate
from seawall.network.pairs import Matrix
from seawall.network.prove import obstacle, prove
from support import ROOT, missing
from support.network import dice_of, random_cluster


@pytest.fixture(autouse=True)
def _kernel():
    reason = obstacle()
    if reason:
        missing("packets", reason)


@pytest.mark.parametrize("seed", range(4))
def test_every_probe_does_what_the_model_says(seed):
    found = prove(read_estate(random_cluster(dice_of(seed), pods=7)))
    assert found.probes > 500
    assert 0 < found.allowed < found.probes
    assert found.baseline_lost == 0
    assert found.wrong == ()


def test_a_model_that_is_wrong_is_caught(monkeypatch):
    """The proof can fail: with the answers turned round every probe is wrong."""
    right = Matrix.mask
    monkeypatch.setattr(Matrix, "mask", lambda self, s, t: self.ports.all & ~right(self, s, t))
    found = prove(read_estate(random_cluster(dice_of(0), pods=4)), (4,))
    assert found.wrong


def links():
    return subprocess.run(["ip", "-o", "link"], capture_output=True, check=True, text=True).stdout


def held_by(process):
    """Return the network namespaces that a process holds by descriptors, but for ours."""
    found = set()
    try:
        for item in (process / "fd").iterdir():
            found.add(str(item.readlink()))
    except OSError:
        return set()  # a process that ended meanwhile
    return {name for name in found if name.startswith("net:[")} - {str(Path("/proc/self/ns/net").readlink())}


def test_nothing_is_left_behind_when_the_prover_is_killed(tmp_path):
    before = links()
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\nsys.path.insert(0, sys.argv[1])\n"
        "from support.network import dice_of, random_cluster\n"
        "from seawall.network.estate import read_estate\nfrom seawall.network.prove import prove\n"
        "from seawall.network.prove import proof\n"
        "send = proof._Family._send\n"
        "def told(*rest):\n    print('sending', flush=True)\n    return send(*rest)\n"
        "proof._Family._send = told\n"
        "while True:\n    prove(read_estate(random_cluster(dice_of(1), pods=9)))\n"
    )
    running = subprocess.Popen(
        [sys.executable, str(script), str(ROOT / "tests")],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert running.stdout.readline() == b"sending\n"
    names = held_by(Path(f"/proc/{running.pid}"))
    assert len(names) >= 9
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    running.stdout.close()
    time.sleep(0.2)
    alive = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            alive |= held_by(process)
    assert not names & alive
    assert links() == before
