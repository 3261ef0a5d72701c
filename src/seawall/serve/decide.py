"""`POST /v1/decide/ENGINE`: what `seawall decide ENGINE` does, over HTTP. JSON lines in, JSON lines out."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core.errors import SeawallError
from seawall.serve.service import Call, Json, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from seawall.core.engine import Engine

PREFIX = b"/v1/decide/"
LINES = b"application/x-ndjson"
_encode = msgspec.json.Encoder().encode


class Decide:
    """The engines of one world. A line `{"objects": [...]}` replaces the world for its own request only."""

    def __init__(
        self,
        load_engine: Callable[[str], Engine],
        answer_line: Callable[[Engine, bytes], tuple[Json, bool]],
        objects: Sequence[Json],
    ) -> None:
        self._load_engine = load_engine
        self._answer_line = answer_line
        self._objects = objects
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> Reply:
        """Answer a request. An engine that is not there is 404; a bad line is a line of the answer."""
        name = call.path[len(PREFIX) :].decode("ascii", "replace")
        lines = [line for line in call.body.split(b"\n") if line.strip()]
        own = any(b'"objects"' in line for line in lines)
        try:
            engine = self._made(name) if own else self._shared(name)
        except SeawallError as error:
            return Reply(
                _encode({"error": {"code": error.code, "message": error.diagnostics()}}) + b"\n", "error",
                status=404,
            )  # fmt: skip
        answers: list[Any] = []
        failed = False
        for line in lines:
            answer, bad = self._answer_line(engine, line)
            answers.append(answer)
            failed |= bad
        body = b"".join([_encode(answer) + b"\n" for answer in answers])
        return Reply(body, "error" if failed else "answered", kind=LINES)

    def _made(self, name: str) -> Engine:
        engine = self._load_engine(name)
        if self._objects:
            engine.load({"objects": list(self._objects)})
        return engine

    def _shared(self, name: str) -> Engine:
        with self._lock:
            if name not in self._engines:
                self._engines[name] = self._made(name)
            return self._engines[name]


__all__ = ["PREFIX", "Decide"]
