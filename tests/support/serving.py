"""`seawall serve` as a process of its own, on a free port, with what it logged."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import signal

ROOT = Path(__file__).resolve().parents[2]


class Served:
    """A running server; `own` is the folder of its authority, unless plain HTTP was asked for."""

    def __init__(self, folder: Path, service: str, *arguments: str, plain: bool = False) -> None:
        self.folder = folder
        self.own = folder / "own"
        self.plain = plain
        tls = ["--plain-http"] if plain else ["--tls-own", str(self.own), "--tls-name", "127.0.0.1"]
        self.command = [sys.executable, "-m", "seawall", "serve", service, "--port", "0", *tls, *arguments]
        self.events: list[dict[str, Any]] = []
        self.port = 0

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self.command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = self.wait("listening")["port"]
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(5)
        self.process.stderr.close()

    def _read(self) -> None:
        for line in self.process.stderr:
            self.events.append(json.loads(line) if line.startswith(b"{") else {"event": line.decode()})

    def wait(self, event: str, count: int = 1, within: float = 60.0) -> dict[str, Any]:
        """Wait until an event was logged so many times; return the last."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            found = [one for one in list(self.events) if one["event"] == event]
            if len(found) >= count:
                return found[-1]
            if self.process.poll() is not None and not self._reader.is_alive():
                break
            time.sleep(0.02)
        raise TimeoutError(f"{event} was not logged {count} times: {self.events}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.own / "ca.crt"))

    def connect(self) -> http.client.HTTPConnection:
        if self.plain:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context())

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask on a connection of its own; return the status, and JSON or text."""
        connection = self.connect()
        try:
            data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read().decode()
            if response.headers.get_content_type() == "application/json":
                return response.status, json.loads(content)
            return response.status, content
        finally:
            connection.close()
