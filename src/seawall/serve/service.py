"""What a service of the host is: handlers by path, built anew from each world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Json = dict[str, Any]
JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"


class Call(NamedTuple):
    """One request as a handler sees it.

    `seconds` is how long the caller waits (`?timeout=10s`), 10 where it does not say.
    """

    body: bytes
    path: bytes
    query: bytes = b""
    seconds: float = 10.0


class Reply(NamedTuple):
    """An answer: the body, a word for the metrics, and the line of the decision log, or what makes it if one is kept."""

    body: bytes
    verdict: str = ""
    record: Json | Callable[[], Json] | None = None
    status: int = 200
    kind: bytes = JSON


if TYPE_CHECKING:
    Handler = Callable[[Call], Reply]


class Service(Protocol):
    """One kind of webhook. It keeps no state of a world: `handlers` gives new ones for each."""

    name: str
    """A word for metrics and logs, such as `admission`."""

    def handlers(self, objects: Sequence[Json]) -> Mapping[str, Handler]:
        """Return the handlers by path (`/validate`), for a world of these Kubernetes objects.

        Called in a thread, at start and after each change of the files; the handlers of before serve on
        until this returns, and after it raises. A handler is called from several threads at once.

        Raises:
            SeawallError: this world cannot be served.
        """
        ...


class BadRequest(Exception):  # noqa: N818 - the name of the status, 400
    """The body is none that the service can answer; the text says what to send instead."""


__all__ = ["JSON", "TEXT", "BadRequest", "Call", "Json", "Reply", "Service"]
