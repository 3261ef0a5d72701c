"""Read paths into a snapshot: the one way in for files and standard input."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from seawall.core.errors import InputError
from seawall.snapshot.model import AzureResource, KubernetesObject, Origin, Passed, Snapshot, Unread
from seawall.sources import kubernetes
from seawall.sources.walk import Walk, read_bytes, read_stream
from seawall.sources.yaml import Document, read_documents
from seawall.sources.yaml.limits import MAX_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

STDIN: Final = "<stdin>"
"""The file name of what came on standard input."""


def read_paths(paths: Sequence[str], *, stdin: BinaryIO | None = None, render: bool = True) -> Snapshot:
    """Read everything found in the paths: files, folders, and `-` for standard input.

    What could not be read is in `unread`, what holds nothing for Seawall in `ignored`; neither stops the rest.
    `render` False keeps helm and kustomize from being called.

    Raises:
        InputError: a path does not exist.
    """
    # Nothing that is read becomes garbage: a collector that walks all of it again and again makes reading quadratic.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _read(paths, stdin, render=render)
    finally:
        if collecting:
            gc.enable()


def _read(paths: Sequence[str], stdin: BinaryIO | None, *, render: bool) -> Snapshot:
    reader = _Reader()
    on_disk = [path for path in paths if path != "-"]
    walk = Walk()
    walk.run(on_disk)
    reader.unread.extend(walk.unread)
    reader.ignored.extend(walk.ignored)
    taken = _overlays(walk, reader, render=render) if walk.overlays else set()
    for path in walk.files:
        if taken and os.path.realpath(path) in taken:
            reader.ignored.append(Passed(path, "read as a part of a Kustomize overlay"))
        else:
            reader.file(path)
    if walk.charts:
        _charts(walk.charts, reader, render=render)
    if "-" in paths:
        reader.stream(stdin if stdin is not None else sys.stdin.buffer)
    return reader.snapshot()


def _charts(folders: list[str], reader: _Reader, *, render: bool) -> None:
    from seawall.sources.render import RenderError, render_chart  # noqa: PLC0415 - most folders hold no chart

    for folder in folders:
        if any(folder.startswith(other + "/") for other in folders):
            continue  # a chart inside of a chart is rendered with it
        try:
            reader.text(render_chart(folder, allowed=render), f"{folder} (helm template)")
        except RenderError as error:
            reader.unread.append(Unread(folder, str(error)))


def _overlays(walk: Walk, reader: _Reader, *, render: bool) -> set[str]:
    """Render the overlays that no other one builds on; return the files that they take in."""
    from seawall.sources.render import Overlay, RenderError, render_overlay  # noqa: PLC0415 - as above

    overlays: list[Overlay] = []
    taken: set[str] = set()
    for folder, path in walk.overlays:
        try:
            overlays.append(Overlay(folder, path))
        except InputError as error:
            reader.unread.append(Unread(str(error.location or path), error.message))
        except (OSError, ValueError) as error:
            reader.unread.append(Unread(path, str(error)))
        else:
            reader.ignored.append(Passed(path, "a Kustomize file"))
    below = set().union(*(overlay.folders() for overlay in overlays)) if overlays else set()
    known = {os.path.realpath(overlay.folder): overlay for overlay in overlays}
    for overlay in overlays:
        if overlay.component or os.path.realpath(overlay.folder) in below or overlay.plain:
            taken |= overlay.patch_files()
            continue
        try:
            reader.text(render_overlay(overlay.folder, allowed=render), f"{overlay.folder} (kustomize build)")
            taken |= _closure(overlay, known)
        except RenderError as error:
            reader.unread.append(Unread(overlay.path, str(error)))
            taken |= overlay.patch_files()
    return taken


def _closure(overlay: Any, known: dict[str, Any]) -> set[str]:
    files: set[str] = set()
    stack, seen = [overlay], set()
    while stack:
        part = stack.pop()
        if part.folder in seen:
            continue
        seen.add(part.folder)
        files |= part.files()
        stack.extend(known[folder] for folder in part.folders() if folder in known)
    return files


class _Reader:
    """Collects what the files hold."""

    def __init__(self) -> None:
        self.objects: list[KubernetesObject] = []
        self.resources: list[AzureResource] = []
        self.unread: list[Unread] = []
        self.ignored: list[Passed] = []
        self.texts: dict[str, bytes] = {}

    def snapshot(self) -> Snapshot:
        """Return what was collected."""
        return Snapshot(
            objects=tuple(self.objects),
            resources=tuple(self.resources),
            unread=tuple(sorted(set(self.unread))),
            ignored=tuple(sorted(set(self.ignored))),
            texts=self.texts,
        )

    def file(self, path: str) -> None:
        """Read one file."""
        try:
            data = read_bytes(path)
        except OSError as error:
            self.unread.append(Unread(path, error.strerror or str(error)))
            return
        except ValueError as error:
            self.unread.append(Unread(path, str(error)))
            return
        if b"seawall" in data and b"ignore" in data:
            self.texts[path] = data
        self.documents(data, path)

    def stream(self, stream: BinaryIO) -> None:
        """Read standard input."""
        try:
            self.text(read_stream(stream.read(MAX_FILE + 1)), STDIN)
        except (OSError, ValueError) as error:
            self.unread.append(Unread(STDIN, str(error)))

    def text(self, data: bytes, name: str) -> None:
        """Read a text that cannot be read twice, and keep it for locations."""
        self.texts[name] = data
        self.documents(data, name)

    def documents(self, data: bytes, file: str) -> None:
        """Read the documents of one text."""
        objects = self.objects
        odd: list[Document] = []
        count = 0
        for document in read_documents(data, file):
            value = document.value
            count += 1
            if type(value) is dict and document.error is None:
                kind = value.get("kind")
                version = value.get("apiVersion")
                if (
                    type(kind) is str
                    and type(version) is str
                    and kind
                    and version
                    and not _is_azure_list(value)
                ):
                    if kind.endswith("List") and kubernetes.is_list(value, kind):
                        for wrong in kubernetes.add_list(value, file, document.index, (), objects):
                            self.unread.append(Unread(file, wrong))
                        continue
                    if not (kind == "Config" or "." in version or version.startswith("skaffold")) or not (
                        reason := kubernetes.not_an_object(version, kind)
                    ):
                        objects.append(KubernetesObject(value, Origin(file, document.index)))
                    else:
                        self.ignored.append(Passed(file, reason))
                    continue
            if value is not None or document.error is not None:
                odd.append(document)
        if odd:
            self._others(odd, file, count)
        elif not count:
            self.ignored.append(Passed(file, "empty"))

    def _others(self, documents: list[Document], file: str, count: int) -> None:
        from seawall.sources.azure import read_azure  # noqa: PLC0415 - a folder of manifests needs none of it

        for document in documents:
            if document.error is not None:
                where = document.error.location
                self.unread.append(Unread(str(where or file), document.error.message))
                continue
            found = read_azure(document.value, Origin(file, document.index))
            self.resources.extend(found.resources)
            self.unread.extend(found.unread)
            if found.reason:
                which = f"document {document.index + 1}: " if count > 1 else ""
                self.ignored.append(Passed(file, which + found.reason))


def _is_azure_list(value: dict[str, Any]) -> bool:
    # An ARM resource may have both `kind` and `apiVersion`: its type has a slash and it has a `type`.
    kind = value.get("type")
    return type(kind) is str and "/" in kind and "properties" in value
