"""The exact path: libyaml's events (through PyYAML), built into objects as go-yaml v2 and sigs.k8s.io/yaml build them.

Two differences to plain PyYAML matter most: the types of scalars (`scalars`), and that an alias is paid for with
the nodes it stands for, so that a bomb is refused by go-yaml's own rule long before it grows.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml._yaml import CParser  # the C parser itself, without a loader around it

from seawall.sources.yaml import scalars
from seawall.sources.yaml.limits import MAX_DEPTH
from seawall.sources.yaml.problem import YamlProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

_TAG_PREFIX: Final = "tag:yaml.org,2002:"
_RESOLVED: Final = frozenset({"!!bool", "!!int", "!!float", "!!null", "!!timestamp", "!!str"})

_ESCAPED: Final = re.compile("[\udc80-\udcff]")

# go-yaml's limits: how large a part of all nodes may come from aliases (decode.go, allowedAliasRatio).
_LOW: Final = 400_000
_HIGH: Final = 4_000_000


class _Node:
    """A container that is open."""

    __slots__ = ("anchor", "count", "explicit", "key", "merge", "value", "waiting")

    def __init__(self, value: Any, anchor: str | None, count: int) -> None:
        self.value = value
        self.anchor = anchor
        self.count = count
        self.explicit: set[str] | None = set() if isinstance(value, dict) else None
        self.key = ""
        self.waiting = False
        self.merge = False


def compose(data: bytes | str) -> Any:
    """Read the first document of a text; None for an empty one. What follows its end is not read, as in Kubernetes.

    Raises:
        YamlProblemError: with the place.
    """
    try:
        return _Builder(CParser(data)).build()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(part for part in (error.context, error.problem) if part)
        raise YamlProblemError(message, mark.line if mark else 0, mark.column if mark else 0) from None
    except yaml.reader.ReaderError as error:
        raise YamlProblemError(f"{error.reason}", *_place(data, error.position)) from None
    except UnicodeError:
        raise YamlProblemError("the text is not valid Unicode", 0, 0) from None


def _place(data: bytes | str, position: int) -> tuple[int, int]:
    text = data if isinstance(data, bytes) else data.encode(errors="replace")
    head = text[: max(position, 0)]
    return head.count(b"\n"), len(head) - (head.rfind(b"\n") + 1)


class _Builder:
    def __init__(self, parser: CParser) -> None:
        self._parser = parser
        self._stack: list[_Node] = []
        self._anchors: dict[str, tuple[Any, int, bool]] = {}
        self._count = 0
        self._aliased = 0
        self._result: Any = None

    def build(self) -> Any:
        get: Callable[[], Any] = self._parser.get_event
        get()  # stream start
        if isinstance(get(), yaml.StreamEndEvent):
            return None
        self._count = 1  # go-yaml counts the document as a node
        while True:
            event = get()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open({} if kind is yaml.MappingStartEvent else [], event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close(event)
            elif kind is yaml.AliasEvent:
                self._alias(event)
            else:
                return self._result

    def _fail(self, message: str, event: yaml.Event) -> YamlProblemError:
        mark: Any = event.start_mark
        return YamlProblemError(message, mark.line, mark.column)

    def _open(self, value: dict[str, Any] | list[Any], event: yaml.NodeEvent) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._fail(f"nested more than {MAX_DEPTH} levels deep", event)
        self._count += 1
        if event.anchor:
            self._anchors[event.anchor] = (None, -1, False)
        self._stack.append(_Node(value, event.anchor, self._count - 1))

    def _close(self, event: yaml.Event) -> None:
        node = self._stack.pop()
        if node.anchor:
            self._anchors[node.anchor] = (node.value, self._count - node.count, False)
        self._add(node.value, event, scalar=False, alias=False)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._count += 1
        tag = event.tag
        text = event.value
        try:
            value: scalars.Scalar
            if tag is None:
                value = scalars.resolve(text) if event.implicit[0] else text
            else:
                short = "!!" + tag[len(_TAG_PREFIX) :] if tag.startswith(_TAG_PREFIX) else tag
                if short in _RESOLVED:
                    value = scalars.resolve_tagged(short, text)
                elif short == "!!binary":
                    value = _binary(text)
                else:
                    value = text
            if tag is None and text == "<<" and event.implicit[0] and self._expects_key():
                self._stack[-1].waiting = True
                self._stack[-1].merge = True
                self._count -= 1  # go-yaml does not decode the merge key
                return
            if event.anchor:
                self._anchors[event.anchor] = (value, 1, True)
            self._add(value, event, scalar=True, alias=False)
        except ValueError as error:
            raise self._fail(str(error), event) from None

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor
        if name not in self._anchors:
            raise self._fail(f"unknown anchor '{name}' referenced", event)
        value, weight, scalar = self._anchors[name]
        if weight < 0:
            raise self._fail(f"anchor '{name}' value contains itself", event)
        self._count += 1 + weight
        self._aliased += weight
        if self._aliased > 100 and self._count > 1000 and self._aliased / self._count > _ratio(self._count):
            raise self._fail("document contains excessive aliasing", event)
        try:
            self._add(value, event, scalar=scalar, alias=True)
        except ValueError as error:
            raise self._fail(str(error), event) from None

    def _expects_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].explicit is not None and not self._stack[-1].waiting

    def _add(self, value: Any, event: yaml.Event, *, scalar: bool, alias: bool) -> None:
        if not self._stack:
            self._result = scalars.as_json(value) if scalar else value
            return
        node = self._stack[-1]
        if node.explicit is None:
            node.value.append(scalars.as_json(value) if scalar else value)
        elif not node.waiting:
            if not scalar:
                raise self._fail("a map key must not be a list or a map", event)
            key = scalars.as_key(value)
            if key in node.explicit:
                raise self._fail(f"key {key!r} already set in map", event)
            node.explicit.add(key)
            node.key = key
            node.waiting = True
        else:
            node.waiting = False
            if node.merge:
                node.merge = False
                self._merge(node.value, value, event, alias=alias)
            else:
                node.value[node.key] = scalars.as_json(value) if scalar else value

    def _merge(self, target: dict[str, Any], value: Any, event: yaml.Event, *, alias: bool) -> None:
        # As in go-yaml: keys are set in the order of the text, so that a merge below a key replaces it; of a
        # list of maps the earlier ones win.
        if isinstance(value, dict):
            target.update(value)
        elif isinstance(value, list) and not alias and all(isinstance(part, dict) for part in value):
            for part in reversed(value):
                target.update(part)
        else:
            raise self._fail("map merge requires map or sequence of maps as the value", event)


def _ratio(count: int) -> float:
    if count <= _LOW:
        return 0.99
    if count >= _HIGH:
        return 0.10
    return 0.99 - 0.89 * ((count - _LOW) / (_HIGH - _LOW))


def _binary(text: str) -> str:
    try:
        data = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("!!binary value contains invalid base64 data") from None
    # Go's JSON writer puts one U+FFFD for each byte that is not UTF-8.
    return _ESCAPED.sub("\ufffd", data.decode(errors="surrogateescape"))
