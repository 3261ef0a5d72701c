"""HTTP/1.1 on asyncio (RFC 9112): one connection, many requests, each answered before the next is read.

llhttp (package httptools) reads the bytes; the rest is here: limits, deadlines for slow clients,
`Expect: 100-continue`, drain. A request is handed over whole and answered in the same call where it is
small; large bodies go to a thread, so that one caller does not hold up the others (docs/adr/0901).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import httptools

from seawall.serve.service import TEXT, Call, Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

REASONS = {
    200: b"OK", 204: b"No Content", 400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden",
    404: b"Not Found", 405: b"Method Not Allowed", 408: b"Request Timeout", 411: b"Length Required",
    413: b"Content Too Large", 415: b"Unsupported Media Type", 417: b"Expectation Failed",
    431: b"Request Header Fields Too Large", 500: b"Internal Server Error", 501: b"Not Implemented",
    503: b"Service Unavailable", 505: b"HTTP Version Not Supported",
}  # fmt: skip


LINGER = 2.0  # seconds


class Limits(NamedTuple):
    """What one client may take; sizes in bytes, times in seconds."""

    head: int = 32 << 10
    body: int = (
        16 << 20
    )  # an AdmissionReview holds two objects of 3 MiB at most (MaxRequestSizeBytes), in JSON
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    answer_seconds: float = 30.0
    idle_seconds: float = 300.0  # longer than Go's client keeps an idle connection (90 s): it closes first
    inline: int = 256 << 10
    connections: int = 8192


class Exchange:
    """What all connections of a listener share; `route` answers, `open` holds the connections."""

    def __init__(
        self, route: Callable[[bytes, Call, Any], Reply], limits: Limits, executor: Executor | None = None
    ) -> None:
        self.route = route
        self.limits = limits
        self.executor = executor
        self.open: set[Connection] = set()
        self.draining = False
        """Whether each answer is the last of its connection."""
        self.empty = asyncio.Event()
        self.refused = 0
        self.heavy: set[bytes] = set()
        """Paths whose answers take so long that the loop would stand still."""

    def __call__(self) -> Connection:
        """Make the protocol of a new connection (the factory that `create_server` wants)."""
        return Connection(self)

    def slow(self, call: Call) -> bool:
        """Whether a request is for a thread: a large body, or a path whose last answer took long."""
        return len(call.body) > self.limits.inline or call.path in self.heavy

    def expire(self, now: float) -> int:
        """Close every connection whose deadline has passed; return how many."""
        late = [one for one in self.open if one.deadline < now]
        for one in late:
            one.time_out()
        return len(late)

    def leave(self) -> None:
        """Let each connection end with the answer it waits for; idle ones end now. `empty` is set after the last."""
        self.draining = True
        for one in list(self.open):
            one.leave()
        if not self.open:
            self.empty.set()


IDLE, HEAD, BODY, DEAD = range(4)


class Connection(asyncio.Protocol):
    """One client. Its stage: between requests, reading a head, reading a body, or answered for the last time."""

    __slots__ = (
        "_body", "_busy", "_expects", "_head", "_parser", "_queue", "_size", "_stage", "_target",
        "deadline", "exchange", "loop", "peer", "transport",
    )  # fmt: skip
    transport: asyncio.Transport

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.loop = asyncio.get_running_loop()
        self.peer: Any = None
        self.deadline = 0.0
        self._parser = httptools.HttpRequestParser(self)
        self._busy = False
        self._queue: list[tuple[bytes, Call, bool]] = []
        self._reset(IDLE)

    def _reset(self, stage: int) -> None:
        self._stage = stage
        self._target = b""
        self._head = 0
        self._size = 0
        self._body: list[bytes] = []
        self._expects = False

    def _patience(self, seconds: float) -> None:
        self.deadline = self.loop.time() + seconds

    # ---- asyncio ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or refuse it where there are too many."""
        self.transport = transport  # type: ignore[assignment] # create_server gives a Transport
        exchange = self.exchange
        self._patience(exchange.limits.head_seconds)
        if len(exchange.open) >= exchange.limits.connections:
            exchange.refused += 1
            transport.close()
            return
        exchange.open.add(self)
        self.peer = transport.get_extra_info("peercert")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        del exc
        exchange = self.exchange
        exchange.open.discard(self)
        if exchange.draining and not exchange.open:
            exchange.empty.set()
        self._queue.clear()

    def data_received(self, data: bytes) -> None:
        """Read; every whole request within is answered before this returns, unless it goes to a thread."""
        if self._stage == DEAD:
            return  # what is still under way after a refusal, read so that the client gets to see the answer
        before = self._head if self._stage == HEAD else -1
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # the request was answered as HTTP/1.1, and the connection ends with that
        except httptools.HttpParserError as error:
            self._fail(400, f"not HTTP/1.1: {error}")
        # The parser keeps an unfinished header to itself: what came of one head is counted here.
        if before >= 0 and self._stage == HEAD and self._head >= before:
            self._count(len(data))

    def pause_writing(self) -> None:
        """Give a client that does not read its answers a deadline."""
        self._patience(self.exchange.limits.answer_seconds)
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on once the answers have been read."""
        self._patience(self.exchange.limits.idle_seconds)
        if not self._busy:
            self.transport.resume_reading()

    # ---- llhttp ----

    def on_message_begin(self) -> None:
        """Start a request."""
        if self._stage != DEAD:
            self._reset(HEAD)
            self._patience(self.exchange.limits.head_seconds)

    def on_url(self, url: bytes) -> None:
        """Collect the target."""
        self._target += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Look at the headers that matter; llhttp itself judges lengths, codings and what keeps alive."""
        self._count(len(name) + len(value) + 4)
        size = len(name)
        if size == 14 and name.lower() == b"content-length":
            # llhttp has refused what is no number; this many digits are over the limit anyway.
            self._size = int(value[:18])
        elif size == 6 and name.lower() == b"expect":
            if value.lower() != b"100-continue":
                self._fail(417, "the only expectation known is 100-continue")
            self._expects = True

    def on_headers_complete(self) -> None:
        """Refuse a body that is too long before it comes; say that it may come where that is asked."""
        if self._stage == DEAD:
            return
        self._stage = BODY
        limits = self.exchange.limits
        if self._size > limits.body:
            self._fail(413, f"the body is over {limits.body} bytes")
            return
        self._size = 0
        if self._expects:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._patience(limits.body_seconds)

    def on_body(self, data: bytes) -> None:
        """Collect the body; one in chunks says its length only by coming."""
        if self._stage == DEAD:
            return
        self._body.append(data)
        self._size += len(data)
        if self._size > self.exchange.limits.body:
            self._fail(413, f"the body is over {self.exchange.limits.body} bytes")

    def on_message_complete(self) -> None:
        """Answer, or queue behind the request that a thread works on."""
        if self._stage == DEAD:
            return
        body = self._body
        whole = body[0] if len(body) == 1 else b"".join(body)
        path, _, query = self._target.partition(b"?")
        parser = self._parser
        keep = parser.should_keep_alive() and not parser.should_upgrade()
        method = parser.get_method()
        call = Call(whole, path, query, _seconds(query))
        self._reset(IDLE)
        if self._busy:
            self._queue.append((method, call, keep))
            self.transport.pause_reading()
        else:
            self._start(method, call, keep)

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > self.exchange.limits.head:
            self._fail(431, f"the head of the request is over {self.exchange.limits.head} bytes")

    # ---- answering ----

    def _start(self, method: bytes, call: Call, keep: bool) -> None:
        exchange = self.exchange
        if exchange.executor is None or not exchange.slow(call):
            self._send(exchange.route(method, call, self.peer), method, keep)
            return
        self._busy = True
        self.deadline = float("inf")
        future = self.loop.run_in_executor(exchange.executor, exchange.route, method, call, self.peer)
        future.add_done_callback(lambda done: self._finish(done.result(), method, keep))

    def _finish(self, reply: Reply, method: bytes, keep: bool) -> None:
        self._busy = False
        if self.transport.is_closing():
            return
        self._send(reply, method, keep)
        while self._queue and not self._busy and self._stage != DEAD:
            self._start(*self._queue.pop(0))
        if not self._busy and not self.transport.is_closing():
            self.transport.resume_reading()

    def _send(self, reply: Reply, method: bytes, keep: bool) -> None:
        """Write one answer; the last one of a connection says so."""
        body, _, _, status, kind = reply
        keep = keep and not self.exchange.draining
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n%b"
            % (
                status, REASONS[status], kind, len(body), b"" if keep else b"connection: close\r\n",
                body if method != b"HEAD" else b"",
            )
        )  # fmt: skip
        if keep:
            self._patience(self.exchange.limits.idle_seconds)
        else:
            self._stage = DEAD
            self.transport.close()

    def _fail(self, status: int, why: str) -> None:
        """Refuse what is not understood, once; then read on for a moment, so that the refusal arrives."""
        if self._stage == DEAD or self.transport.is_closing():
            return
        self._stage = DEAD
        text = f"{why}\n".encode()
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (status, REASONS[status], TEXT, len(text), text)
        )
        self._body = []
        self._patience(LINGER)

    def time_out(self) -> None:
        """End a connection whose deadline has passed: with an answer where a request had begun."""
        # One that does not read what was written will not read a refusal either.
        if self._stage in {HEAD, BODY} and not self.transport.get_write_buffer_size():
            self._fail(408, "the request came too slowly")
        else:
            self.transport.abort()

    def leave(self) -> None:
        """End now when idle, else with the answer (`connection: close`)."""
        if self._stage == IDLE and not self._busy and not self._queue:
            self.transport.close()


_KNOWN: dict[bytes, float] = {b"": 10.0}


def _seconds(query: bytes) -> float:
    """Read `timeout=10s` (the API server sends whole seconds; milliseconds and minutes are Go's too)."""
    found = _KNOWN.get(query)
    if found is None:
        found = 10.0
        for part in query.split(b"&"):
            name, _, value = part.partition(b"=")
            digits = value.rstrip(b"ms")
            if name == b"timeout" and digits.isdigit() and len(digits) < 8:
                found = int(digits) * {b"s": 1.0, b"ms": 0.001, b"m": 60.0}.get(value[len(digits) :], 1.0)
        if len(_KNOWN) < 1000:
            _KNOWN[query] = found
    return found


__all__ = ["Connection", "Exchange", "Limits"]
