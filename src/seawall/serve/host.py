"""The host that all webhooks share: listens, routes, measures, reloads, logs, and ends in good order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import json
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from seawall.core.errors import SeawallError, UsageError
from seawall.serve.certificates import Certificates, TlsSettings
from seawall.serve.decide import PREFIX, Decide
from seawall.serve.journal import DecisionLog, moment, say
from seawall.serve.metrics import Metrics
from seawall.serve.service import TEXT, BadRequest, Call, Json, Reply
from seawall.serve.wire import Exchange, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from seawall.core.engine import Engine
    from seawall.serve.service import Handler, Service
    from seawall.serve.worlds import Source

BEAT = 1.0  # seconds between looks at deadlines and files
HEAVY, LIGHT = 0.02, 0.005  # seconds that a path's answers take on average: to threads above, back below
THREADS = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """How a host runs; times in seconds."""

    address: str = "127.0.0.1"
    port: int = 8443
    tls: TlsSettings | None = None
    decision_log: Path | None = None
    decide: bool = False
    drain_seconds: float = 5.0
    """How long requests are still taken after SIGTERM: until load balancers have seen /readyz fail."""
    grace_seconds: float = 20.0
    """How long answers under way may then take."""
    limits: Limits = field(default_factory=Limits)


class Host:
    """Serves some services over one world. `run` blocks until SIGTERM or SIGINT."""

    def __init__(
        self,
        settings: Settings,
        services: Sequence[Service],
        sources: Sequence[Source] = (),
        *,
        load_engine: Callable[[str], Engine] | None = None,
        answer_line: Callable[[Engine, bytes], tuple[Json, bool]] | None = None,
    ) -> None:
        self.settings = settings
        self.services = services
        self.sources = sources
        self.metrics = Metrics()
        self.log = DecisionLog(settings.decision_log) if settings.decision_log else None
        self.certificates = Certificates(settings.tls) if settings.tls else None
        self.world = ""
        self.port = settings.port
        self._load_engine = load_engine
        self._answer_line = answer_line
        self._routes: dict[bytes, tuple[str, Handler]] = {}
        self._decide: Decide | None = None
        self._versions: list[object] = []
        self._complaint = ""
        self._averages: dict[bytes, float] = {}
        self._stopping = asyncio.Event()
        self._executor = ThreadPoolExecutor(THREADS, "answer")
        self._reloader = ThreadPoolExecutor(1, "reload")
        self._exchange = Exchange(self.route, settings.limits, self._executor)

    # ---- life ----

    def run(self) -> None:
        """Load the world, listen, and serve until told to stop. Raises SeawallError where it cannot begin."""
        if self.certificates is not None:
            self.certificates.start()
        self._load()
        runner: Any = asyncio.Runner
        with contextlib.suppress(ImportError):
            import uvloop  # noqa: PLC0415 - twice as fast where it is installed, not needed

            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as quick:
                quick.run(self.serve())
            return
        with runner() as plain:
            plain.run(self.serve())

    async def serve(self) -> None:
        """Listen and serve until `stop`."""
        loop = asyncio.get_running_loop()
        listener = self._listen()
        self.port = listener.getsockname()[1]
        tls = self.certificates
        more: dict[str, Any] = (
            {"ssl": tls.outer, "ssl_handshake_timeout": self.settings.limits.head_seconds} if tls else {}
        )
        server = await loop.create_server(self._exchange, sock=listener, backlog=1024, **more)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(self.refresh()))
        say(
            "listening",
            address=self.settings.address,
            port=self.port,
            tls=tls is not None,
            services=[service.name for service in self.services],
            world=self.world,
            loop=type(loop).__module__.partition(".")[0],
        )
        beat = loop.create_task(self._beat())
        await self._stopping.wait()
        await self._leave(server)
        beat.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beat
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._reloader.shutdown(wait=False, cancel_futures=True)
        if self.log is not None:
            self.log.close()
        say("stopped")

    def stop(self) -> None:
        """Begin the end (SIGTERM); a second time ends at once."""
        if self._stopping.is_set():
            say("stopped", "warning", why="told twice")
            sys.exit(130)
        self._stopping.set()

    def _listen(self) -> socket.socket:
        address = self.settings.address
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((address, self.settings.port))
        except (OSError, OverflowError) as error:
            made.close()
            raise UsageError(
                f"{address}:{self.settings.port}: {error}", hint="give an address and a port that are free"
            ) from None
        return made

    async def _leave(self, server: asyncio.Server) -> None:
        say("draining", connections=len(self._exchange.open), seconds=self.settings.drain_seconds)
        # New requests are still taken, and each answer says that the connection ends: clients move elsewhere.
        self._exchange.draining = True
        await asyncio.sleep(self.settings.drain_seconds)
        server.close()
        self._exchange.leave()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._exchange.empty.wait(), self.settings.grace_seconds)
        for one in list(self._exchange.open):
            one.transport.abort()

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(BEAT)
            if late := self._exchange.expire(loop.time()):
                self.metrics.count("connections_closed", "too-slow", late)
            await self.refresh()

    # ---- what changes under way ----

    async def refresh(self) -> None:
        """Look at certificates and world, and take up what has changed."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._reloader, self._refresh)

    def _refresh(self) -> None:
        try:
            if self.certificates is not None and self.certificates.refresh():
                self.metrics.count("certificate_loads", "ok")
            if self.log is not None and not self.log.path.exists():
                self.log.reopen()
            versions = [source.version() for source in self.sources]
            if versions != self._versions:
                self._load(versions)
                say("world-loaded", world=self.world)
            self._complaint = ""
        except SeawallError as error:
            self.metrics.count("world_loads", "failed")
            self._complain(error.diagnostics())
        except Exception as error:  # noqa: BLE001 - a reload that fails in any way must not end the serving
            self.metrics.count("world_loads", "failed")
            self._complain(f"{type(error).__name__}: {error}")

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            say("world-not-loaded", "error", error=text, serving=self.world)
        self._complaint = text

    def _load(self, versions: list[object] | None = None) -> None:
        """Read the world and build the handlers of it; they replace the old ones at once."""
        found = versions if versions is not None else [source.version() for source in self.sources]
        objects = [obj for source in self.sources for obj in source.read()]
        routes: dict[bytes, tuple[str, Handler]] = {}
        for service in self.services:
            for path, handler in service.handlers(objects).items():
                routes[path.encode()] = (service.name, handler)
        if self._load_engine is not None and self._answer_line is not None and self.settings.decide:
            self._decide = Decide(self._load_engine, self._answer_line, objects)
        coded = json.dumps(objects, sort_keys=True, default=str).encode()
        self.world = hashlib.sha256(coded).hexdigest()[:16]
        self._routes = routes
        self._versions = found
        # A world stays until the next: the collector need not walk it at every hundred thousandth object.
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self.metrics.count("world_loads", "ok")
        self.metrics.gauges["world_objects"] = len(objects)

    # ---- answering ----

    def route(self, method: bytes, call: Call, peer: Any) -> Reply:
        """Answer one request; no exception leaves."""
        found = self._routes.get(call.path)
        if found is None or method != b"POST":
            return self._other(method, call, peer)
        if self._needs_certificate(peer):
            return _text(401, "show a client certificate of the authority that was given")
        return self._ask(*found, call)

    def _ask(self, name: str, handler: Handler, call: Call) -> Reply:
        started = time.perf_counter()
        try:
            reply = handler(call)
        except BadRequest as error:
            reply = _text(400, str(error), "bad-request")
        except SeawallError as error:
            reply = _text(400, error.diagnostics(), "bad-request")
        except Exception as error:  # noqa: BLE001 - the last seam: the caller applies its failure policy to a 500
            say("internal-error", "error", service=name, error=f"{type(error).__name__}: {error}")
            reply = _text(500, "internal error", "error")
        seconds = time.perf_counter() - started
        if reply.record is not None and self.log is not None:
            about = {"time": moment(), "service": name, "path": call.path.decode(), "world": self.world}
            record = reply.record() if callable(reply.record) else reply.record
            self.log.write({**record, "seawall": about | {"seconds": round(seconds, 6)}})
        self.metrics.observe(name, reply.verdict, reply.status, seconds)
        self._weigh(call.path, seconds)
        return reply

    def _weigh(self, path: bytes, seconds: float) -> None:
        """Send a path to threads while its answers take long; one slow answer does not make it so."""
        known = self._averages.get(path, 0.0)
        average = self._averages[path] = known + (seconds - known) / 16
        if average > HEAVY:
            self._exchange.heavy.add(path)
        elif average < LIGHT:
            self._exchange.heavy.discard(path)

    def _needs_certificate(self, peer: Any) -> bool:
        return not peer and self.settings.tls is not None and self.settings.tls.client_ca is not None

    def _other(self, method: bytes, call: Call, peer: Any) -> Reply:
        path = call.path
        if path in _PAGES:
            if method not in {b"GET", b"HEAD"}:
                return _text(405, "GET only")
            return _PAGES[path](self)
        if path.startswith(PREFIX) and self._decide is not None:
            if method != b"POST":
                return _text(405, "POST JSON lines")
            if self._needs_certificate(peer):
                return _text(401, "show a client certificate of the authority that was given")
            return self._ask("decide", self._decide, call)
        if path in self._routes:
            return _text(405, "POST only")
        known = ", ".join(sorted(each.decode() for each in (*self._routes, *_PAGES)))
        return _text(404, f"there is: {known}")

    def _healthz(self) -> Reply:
        return _text(200, "ok")

    def _readyz(self) -> Reply:
        why = []
        if self._stopping.is_set():
            why.append("draining")
        if self.certificates is not None and self.certificates.ends < datetime.now(UTC):
            why.append("the certificate has ended")
        return _text(503, ", ".join(why)) if why else _text(200, "ok")

    def _metrics(self) -> Reply:
        gauges = self.metrics.gauges
        gauges["connections"] = len(self._exchange.open)
        gauges["connections_refused"] = self._exchange.refused
        gauges["world_stale"] = float(bool(self._complaint))
        gauges["decisions_lost"] = self.log.lost if self.log is not None else 0
        if self.certificates is not None:
            gauges["certificate_not_after_seconds"] = self.certificates.ends.timestamp()
        return Reply(self.metrics.text().encode(), kind=b"text/plain; version=0.0.4; charset=utf-8")


_PAGES: dict[bytes, Callable[[Host], Reply]] = {
    b"/healthz": Host._healthz,  # noqa: SLF001 - the table belongs to the class
    b"/readyz": Host._readyz,  # noqa: SLF001
    b"/metrics": Host._metrics,  # noqa: SLF001
}


def _text(status: int, text: str, verdict: str = "") -> Reply:
    return Reply(f"{text}\n".encode(), verdict, status=status, kind=TEXT)


__all__ = ["Host", "Settings"]
