"""A text into its documents, split and read as kubectl does (k8s.io/apimachinery util/yaml), one at a time."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from seawall.core.errors import InputError
from seawall.sources.yaml import fast, jsontext
from seawall.sources.yaml.limits import MAX_YAML_DOCUMENT
from seawall.sources.yaml.problem import YamlProblemError

_SEPARATOR: Final = re.compile(rb"^---(.*)$\n?", re.MULTILINE)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_ITEM: Final = re.compile(rb"^- ", re.MULTILINE)
_ITEMS: Final = re.compile(rb"^items:[ ]*\n(?=- )", re.MULTILINE)
# Below this a document is read whole by the exact path; above it a List is read item by item where possible.
_PIECEMEAL: Final = 256 * 1024


class Document(msgspec.Struct, frozen=True):
    """One document of a stream: its value, or the error that kept it from being read."""

    index: int
    value: Any = None
    error: InputError | None = None


def normalise(data: bytes) -> bytes:
    """Return the text as UTF-8 without a byte order mark and with line feeds only.

    kubectl's line reader drops the carriage return before a line feed and ends the last line; PowerShell writes UTF-16.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", errors="replace").encode()
    elif data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    if b"\r\n" in data:
        data = data.replace(b"\r\n", b"\n")
    if data and not data.endswith(b"\n"):
        data += b"\n"
    return data


def split(data: bytes) -> list[tuple[int, int, str]]:
    """Return start, end and trouble of each document of a normalised YAML stream.

    A line that starts with `---` separates; kubectl allows only a comment behind it. Two separators with
    nothing between them make no document.
    """
    if b"\n---" not in data and not data.startswith(b"---"):
        return [(0, len(data), "")] if data else []
    parts: list[tuple[int, int, str]] = []
    start, trouble = 0, ""
    for match in _SEPARATOR.finditer(data):
        if match.start() > start or trouble:
            parts.append((start, match.start(), trouble))
        start = match.end()
        rest = match[1].strip()
        trouble = (
            f"a document separator must stand alone on its line, here it is followed by {rest[:40].decode(errors='replace')!r}"
            if rest and not rest.startswith(b"#")
            else ""
        )
    if start < len(data) or trouble:
        parts.append((start, len(data), trouble))
    return parts


def read_documents(data: bytes, file: str) -> list[Document]:
    """Read every document of a text; one that is broken carries its error, and the others still count.

    An empty document (nothing but comments) has the value None and keeps its number.
    """
    data = normalise(data)
    json_error: InputError | None = None
    if jsontext.looks_like_json(data):
        try:
            return [Document(index, value) for index, value in enumerate(jsontext.load_stream(data, file))]
        except InputError as error:
            json_error = error
    documents = _read_yaml(data, file)
    if (
        json_error
        and (file.endswith(".json") or len(documents) == 1)
        and any(item.error for item in documents)
    ):
        return [Document(0, error=json_error)]
    return documents


def load_all(data: bytes, file: str) -> list[Any]:
    """Read every document of a YAML or JSON text as Kubernetes does; None stands for an empty document.

    Raises:
        InputError: the first document that cannot be read, with line and column.
    """
    documents = read_documents(data, file)
    for document in documents:
        if document.error is not None:
            raise document.error
    return [document.value for document in documents]


def _read_yaml(data: bytes, file: str) -> list[Document]:
    rubbish = _CONTROL.search(data)
    parts = split(data)
    plain = rubbish is None and len(data) <= MAX_YAML_DOCUMENT and fast.is_plain(data)
    documents: list[Document] = []
    for index, (start, end, trouble) in enumerate(parts):
        text = data if end - start == len(data) else data[start:end]
        if plain and not trouble:
            done, value = fast.load(text)
            if done:
                documents.append(Document(index, value))
                continue
        try:
            documents.append(Document(index, _read_one(text, trouble, plain=plain)))
        except YamlProblemError as problem:
            line = data.count(b"\n", 0, start) - (1 if trouble else 0)
            documents.append(Document(index, error=problem.as_error(file, line)))
    return documents


def _read_one(text: bytes, trouble: str, *, plain: bool) -> Any:
    if trouble:
        raise YamlProblemError(trouble, 0, 0)
    if rubbish := _CONTROL.search(text):
        raise YamlProblemError(
            f"control character {text[rubbish.start()]:#04x} is not allowed: this is not text",
            text.count(b"\n", 0, rubbish.start()),
            rubbish.start() - text.rfind(b"\n", 0, rubbish.start()) - 1,
        )
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise YamlProblemError(
            f"byte {text[error.start]:#04x} is not UTF-8",
            text.count(b"\n", 0, error.start),
            error.start - text.rfind(b"\n", 0, error.start) - 1,
        ) from None
    if len(text) > _PIECEMEAL:
        return _read_large(text)
    if not plain and fast.is_plain(text):
        done, value = fast.load(text)
        if done:
            return value
    return _compose(text)


def _read_large(text: bytes) -> Any:
    """Read a large document: a List item by item, so that one odd item does not slow down all the others."""
    pieces = split_items(text)
    if pieces is not None and all(end - start <= MAX_YAML_DOCUMENT for start, end in pieces):
        try:
            head, items, tail = pieces[0], pieces[1:-1], pieces[-1]
            rest = _compose(text[head[0] : head[1]] + text[tail[0] : tail[1]])
            values = [_piece(text[start:end]) for start, end in items]
            if isinstance(rest, dict) and "items" in rest and all(len(value) == 1 for value in values):
                rest["items"] = [value[0] for value in values]
                return rest
        except (YamlProblemError, TypeError):
            pass  # not a List after all, or one with anchors across items: the whole text decides
    if len(text) > MAX_YAML_DOCUMENT:
        raise YamlProblemError(
            f"a YAML document of {len(text)} bytes; the limit is {MAX_YAML_DOCUMENT}"
            " (the API server takes 3 MiB; large dumps are read as JSON: kubectl get -o json)",
            0,
            0,
        )
    if fast.is_plain(text):
        done, value = fast.load(text)
        if done:
            return value
    return _compose(text)


def _piece(text: bytes) -> Any:
    if fast.is_plain(text):
        done, value = fast.load(text)
        if done:
            return value
    return _compose(text)


def _compose(text: bytes) -> Any:
    from seawall.sources.yaml import exact  # noqa: PLC0415 - plain manifests need none of PyYAML

    return exact.compose(text)


def split_items(text: bytes) -> list[tuple[int, int]] | None:
    """Cut a List as kubectl writes it: head, one piece for each line that starts with `- `, and tail.

    None when the text is not of that form. The cut is by lines alone, so whoever reads the pieces must
    read them all before believing them: a cut through a quoted text leaves a quote open.
    """
    match = _ITEMS.search(text)
    if match is None:
        return None
    tail = re.compile(rb"^[^-# \n]", re.MULTILINE).search(text, match.end())
    end = tail.start() if tail else len(text)
    starts = [item.start() for item in _ITEM.finditer(text, match.end(), end)]
    borders = [*starts, end]
    return [(0, match.end()), *zip(starts, borders[1:], strict=True), (end, len(text))]
