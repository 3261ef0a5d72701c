"""`seawall decide ENGINE`: JSON lines in, JSON lines out, same order, one answer a line."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from seawall.cli.engines import ENGINES, load_engine
from seawall.core.engine import EngineOptions
from seawall.core.errors import InputError, SeawallError
from seawall.core.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seawall.core.engine import Engine

CHUNK = 1 << 20


@click.command()
@click.argument("engine", metavar="ENGINE")
@click.option("--snapshot", "snapshots", multiple=True, metavar="PATH", help="Load the world from PATH.")
@click.option("--kubernetes-version", default="1.34", show_default=True, help="The API server to answer as.")
@click.option("--rules", default="", metavar="FILE", help="A rule file, for the engines that take one.")
@click.pass_context
def decide(
    ctx: click.Context, engine: str, snapshots: tuple[str, ...], kubernetes_version: str, rules: str
) -> None:
    """Answer request lines of ENGINE from standard input.

    A line that holds only {"objects": [...]} replaces the world for the lines after it. A bad line is
    answered {"error": {"code", "message"}}; the run goes on, and the exit code is 2 at the end.
    """
    chosen = load_engine(engine, EngineOptions(kubernetes_version=kubernetes_version, rules=rules))
    if snapshots:
        from seawall.sources import read_paths

        snapshot = read_paths(snapshots)
        if snapshot.unread:
            first = snapshot.unread[0]
            raise InputError(
                f"{first.path}: {first.reason}", hint="a world that is not whole decides nothing"
            )
        chosen.load(
            {
                "objects": [item.raw for item in snapshot.objects],
                "resources": [item.row for item in snapshot.resources],
            }
        )
    failed = False
    encode = msgspec.json.Encoder().encode
    out = sys.stdout.buffer
    for batch in _batches(sys.stdin.fileno()):
        for line in batch:
            if not line.strip():
                continue
            answer, bad = answer_line(chosen, line)
            failed |= bad
            out.write(encode(answer) + b"\n")
        out.flush()
    ctx.exit(Exit.USAGE if failed else Exit.CLEAN)


def answer_line(engine: Engine, line: bytes) -> tuple[dict[str, Any], bool]:
    """Answer one line; the second value says that the line was bad. A bug in an engine is a line's error too."""
    try:
        try:
            request = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f"the line is not JSON: {error}") from None
        if not isinstance(request, dict):
            raise InputError("the line is not a JSON object")
        if isinstance(request.get("objects"), list) and request.keys() <= {"objects", "featureGates"}:
            return engine.load(request), False
        return engine.answer(request), False
    except SeawallError as error:
        return {"error": {"code": error.code, "message": error.diagnostics()}}, True
    except RecursionError:
        return {"error": {"code": "bad-input", "message": "the line is nested too deeply"}}, True
    except Exception as error:
        if os.environ.get("SEAWALL_DEBUG"):
            raise
        message = f"{type(error).__name__}: {error}"
        return {"error": {"code": "internal", "message": message}}, True


def _batches(descriptor: int) -> Iterator[list[bytes]]:
    """Yield the whole lines of each read, so that answers are flushed whenever the input pauses."""
    parts: list[bytes] = []
    while chunk := os.read(descriptor, CHUNK):
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            parts.append(chunk)
            continue
        parts.append(head)
        yield b"".join(parts).split(b"\n")
        parts = [tail]
    if rest := b"".join(parts):
        yield rest.split(b"\n")


__all__ = ["ENGINES", "answer_line", "decide"]
