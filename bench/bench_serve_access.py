"""The authorization webhook against a bare echo on the same server: requests a second, plain HTTP, kept connections."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.bench_access import GROUPS, VERBS, estate

ECHO = """
from seawall.serve.host import Host, Settings
from seawall.serve.service import Reply
class Echo:
    name = "echo"
    def handlers(self, objects):
        return {"/authorize": lambda call: Reply(call.body, "echo")}
Host(Settings(port=0), [Echo()]).run()
"""
CONNECTIONS, BATCH, SECONDS = 4, 64, 3.0


def main() -> None:
    draw = random.Random(5)
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder, "world.json")
        world.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": estate(draw, 10_000)}))
        reviews = [_review(draw) for _ in range(2_000)]
        serve = [
            "-m",
            "seawall",
            "serve",
            "authorization",
            "--port",
            "0",
            "--plain-http",
            "--snapshot",
            str(world),
        ]
        log = ["--decision-log", str(Path(folder, "log.jsonl"))]
        echo = _rate(["-c", ECHO], reviews)
        rate = _rate(serve, reviews)
        logged = _rate([*serve, *log], reviews)
    print(f"authorization webhook: {rate:,.0f} requests/s, {rate / echo:.0%} of a bare echo ({echo:,.0f})")
    print(f"       with a decision log: {logged:,.0f} requests/s, {logged / echo:.0%}")


def _review(draw: random.Random) -> bytes:
    spec: dict[str, Any] = {
        "user": f"u{draw.randint(0, 500)}",
        "groups": [f"g{draw.randint(0, 500)}", "system:authenticated"],
        "resourceAttributes": {
            "verb": draw.choice(VERBS),
            "namespace": f"ns{draw.randint(0, 499)}",
            "group": draw.choice(GROUPS[:5]),
            "version": "v1",
            "resource": draw.choice(["pods", "secrets", "deployments", "jobs"]),
        },
    }
    body = {
        "kind": "SubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": None},
        "spec": spec,
        "status": {"allowed": False},
    }
    data = json.dumps(body, separators=(",", ":")).encode()
    head = (
        b"POST /authorize?timeout=3s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: kube-apiserver/v1.34.4\r\n"
        b"Accept: application/json, */*\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % len(data)
    )
    return head + data


def _rate(arguments: list[str], reviews: list[bytes]) -> float:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    server = subprocess.Popen([sys.executable, *arguments], stderr=subprocess.PIPE, env=environment)
    assert server.stderr is not None
    try:
        port = 0
        while not port:
            line = server.stderr.readline()
            event = json.loads(line) if line.startswith(b"{") else {}
            port = event.get("port", 0) if event.get("event") == "listening" else 0
        sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
        batches = [b"".join(reviews[at : at + BATCH]) for at in range(0, len(reviews) - BATCH, BATCH)]
        _turn(sockets, batches, 0)
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            _turn(sockets, batches, done)
            done += CONNECTIONS * BATCH
        took = time.perf_counter() - start
        for each in sockets:
            each.close()
    finally:
        server.kill()
        server.wait()
        server.stderr.close()
    return done / took


def _turn(sockets: list[socket.socket], batches: list[bytes], number: int) -> None:
    for index, each in enumerate(sockets):
        each.sendall(batches[(number // BATCH + index) % len(batches)])
    for each in sockets:
        seen, tail = 0, b""
        while seen < BATCH:
            data = each.recv(1 << 16)
            assert data, "the server closed the connection"
            text = tail + data
            seen += text.count(b"HTTP/1.1 200 OK\r\n")
            tail = text[-16:]  # one byte less than what is counted: nothing counts twice
