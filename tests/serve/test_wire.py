"""HTTP/1.1 (RFC 9112) on the wire: what a client sends, byte for byte, and what it gets."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
import uvloop

from seawall.serve.service import Call, Reply
from seawall.serve.wire import Exchange, Limits, _seconds

LIMITS = Limits(head=2000, body=100_000, head_seconds=0.4, body_seconds=0.6, idle_seconds=1.0, inline=50_000)


def _route(method, call, peer):
    del peer
    if call.path == b"/slow":
        time.sleep(0.2)
    if call.path == b"/big":
        return Reply(b"x" * 100_000)
    return Reply(b"%b %b %d %g" % (method, call.path, len(call.body), call.seconds))


@contextlib.asynccontextmanager
async def _serving(limits=LIMITS, executor=None):
    exchange = Exchange(_route, limits, executor)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(exchange, "127.0.0.1", 0)
    stop = False

    async def beat():
        while not stop:
            await asyncio.sleep(0.05)
            exchange.expire(loop.time())

    task = loop.create_task(beat())
    try:
        yield exchange, server.sockets[0].getsockname()[1]
    finally:
        stop = True
        await task
        server.close()
        for one in list(exchange.open):
            one.transport.abort()
        await asyncio.sleep(0)


async def _say(port, data, *, pause=None, eof=False):
    """Send (with a pause at "|"), read to the end of the connection or for a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number, part in enumerate(data.split(b"|||")):
        if number:
            await asyncio.sleep(pause)
        writer.write(part)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
    if eof:
        writer.write_eof()
    found = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        while chunk := await asyncio.wait_for(reader.read(65536), 0.9):
            found += chunk
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return found


def _run(make, **options):
    async def main():
        async with _serving(**options) as (exchange, port):
            return await make(exchange, port)

    return asyncio.run(main())


def _statuses(answer):
    return [int(part.split(b" ")[0]) for part in answer.split(b"HTTP/1.1 ")[1:]]


POST = b"POST /a?timeout=3s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize(
    ("data", "statuses", "closed"),
    [
        (POST, [200], False),
        (POST + POST + POST, [200, 200, 200], False),  # pipelined: answered in order
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe|||llo", [200], False),
        (b"POST /a HTT|||P/1.1\r\nHo|||st: x\r\nContent-Le|||ngth: 5\r\n\r\nhello", [200], False),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", [200], False),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", [200], True),
        (b"GET /a HTTP/1.0\r\n\r\n", [200], True),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n|||hi", [100, 200], False),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n", [417], True),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n", [413], True),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", [400], True),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", [400], True),
        # Two lengths, or a length and chunks: what request smuggling is made of (RFC 9112, 6.3).
        (b"POST /a HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", [400], True),
        (b"POST /a HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400], True),
        (b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
         + (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 6, [413], True),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400], True),  # TLS to a plain port
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400], True),
        (b"GET / HTTP/9.9\r\n\r\n", [400], True),
        (b"hello\r\n\r\n", [400], True),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n", [431], True),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 700 + b"\r\n", [431], True),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 1500 + (b"|||" + b"b" * 1500) * 2, [431], True),  # a header that does not end
        (b"GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", [200], True),
    ],
)  # fmt: skip
def test_what_is_sent_and_what_comes_back(data, statuses, closed):
    async def ask(exchange, port):
        answer = await _say(port, data, pause=0.05)
        return answer, len(exchange.open)

    answer, _ = _run(ask)
    assert _statuses(answer) == statuses
    assert (b"connection: close" in answer) == closed


def test_the_body_and_the_callers_patience_reach_the_handler():
    answer = _run(lambda _, port: _say(port, POST))
    assert answer.endswith(b"POST /a 5 3")


def test_a_head_request_gets_the_length_and_no_body():
    answer = _run(lambda _, port: _say(port, b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n"))
    assert b"content-length: 12" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"POST /a HT|||TP/1.1\r\n|||Host: x\r\n|||A: b\r\n|||C: d\r\n|||\r\n",
        b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nh|||e|||l|||l|||o",
    ],
)
def test_a_client_that_dribbles_is_told_and_closed(data):
    answer = _run(lambda _, port: _say(port, data, pause=0.25))
    assert _statuses(answer) == [408]


def test_idle_and_silent_connections_are_closed():
    async def ask(exchange, port):
        silent = await asyncio.open_connection("127.0.0.1", port)
        idle = await asyncio.open_connection("127.0.0.1", port)
        idle[1].write(POST)
        await asyncio.sleep(0.2)
        had = len(exchange.open)
        await asyncio.sleep(1.5)
        for _, writer in (silent, idle):
            writer.close()
        return had, len(exchange.open)

    assert _run(ask) == (2, 0)


def test_a_client_that_does_not_read_is_closed():
    async def ask(exchange, port):
        loop = asyncio.get_running_loop()
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.pause_reading()
        writer.write(POST.replace(b"/a", b"/big") * 400)  # 40 MB of answers: more than the sockets hold
        await asyncio.sleep(0.2)
        for one in exchange.open:
            assert one.deadline < loop.time() + 2
        await asyncio.sleep(1.5)
        found = len(exchange.open)
        writer.transport.abort()
        return found

    assert _run(ask, limits=LIMITS._replace(answer_seconds=0.4)) == 0


def test_large_bodies_are_answered_in_a_thread_and_others_go_on():
    from concurrent.futures import ThreadPoolExecutor

    async def ask(_, port):
        body = b"x" * 60_000
        large = b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + body
        began = time.monotonic()
        slow = asyncio.create_task(_say(port, large + POST))  # and one more behind it, on the same connection
        await asyncio.sleep(0.05)
        quick = await asyncio.open_connection("127.0.0.1", port)
        quick[1].write(POST)
        await quick[0].readuntil(b"POST /a 5 3")
        passed = time.monotonic() - began
        quick[1].close()
        return passed, await slow

    with ThreadPoolExecutor(2) as executor:
        passed, answer = _run(ask, executor=executor)
    assert passed < 0.2
    assert _statuses(answer) == [200, 200]
    assert answer.index(b"POST /slow 60000") < answer.index(b"POST /a 5")


def test_leaving_ends_idle_connections_and_lets_answers_out():
    async def ask(exchange, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST)
        await reader.readuntil(b"POST /a 5 3")
        other = await asyncio.open_connection("127.0.0.1", port)
        other[1].write(POST[:-2])
        await asyncio.sleep(0.1)
        exchange.leave()
        other[1].write(POST[-2:])
        rest = await asyncio.wait_for(other[0].read(), 1)
        closed = await asyncio.wait_for(reader.read(), 1)
        await asyncio.wait_for(exchange.empty.wait(), 1)
        for one in (writer, other[1]):
            one.close()
        return rest, closed

    rest, closed = _run(ask)
    assert b"200 OK" in rest
    assert b"connection: close" in rest
    assert closed == b""


def test_too_many_connections_are_closed_and_counted():
    async def ask(exchange, port):
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await asyncio.sleep(0.1)
        found = exchange.refused, len(exchange.open)
        for _, writer in kept:
            writer.close()
        return found

    assert _run(ask, limits=LIMITS._replace(connections=2)) == (1, 2)


def test_the_same_on_uvloop():
    async def main():
        async with _serving() as (_, port):
            return await _say(port, POST + POST), await _say(port, b"GET / HTTP/9.9\r\n\r\n")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        two, bad = runner.run(main())
    assert _statuses(two) == [200, 200]
    assert _statuses(bad) == [400]


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        (b"timeout=10s", 10), (b"timeout=500ms", 0.5), (b"timeout=1m", 60), (b"a=b&timeout=2s", 2), (b"", 10),
        (b"timeout=", 10), (b"timeout=-3s", 10), (b"timeout=99999999999s", 10), (b"timeout=sss", 10),
    ],
)  # fmt: skip
def test_the_callers_timeout(query, seconds):
    assert _seconds(query) == seconds


def test_a_call_has_a_default_patience():
    assert Call(b"", b"/").seconds == 10
