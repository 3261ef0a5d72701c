"""Where a host takes its world from: files now; each source says whether it has changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from seawall.core.errors import InputError
from seawall.sources import read_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]
DEEPEST = 32


class Source(Protocol):
    """Gives the objects of a world."""

    def version(self) -> object:
        """Return a value that is another one once the objects have changed; cheap to ask."""
        ...

    def read(self) -> list[Json]:
        """Return the objects. Raises SeawallError where they are not whole."""
        ...


class Files:
    """Manifests in files and folders, such as a ConfigMap that is mounted."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)

    def version(self) -> object:
        """Return what the file system says of each file below the paths."""
        found: list[tuple[str, int, int, int]] = []
        for path in self.paths:
            found.append(_stamp(path))
            for folder, names, files in os.walk(path, followlinks=True):
                names.sort()
                if folder.count(os.sep) - path.count(os.sep) > DEEPEST:
                    names.clear()  # a link to a folder above it
                found += [_stamp(f"{folder}/{name}") for name in sorted(files)]
        return tuple(found)

    def read(self) -> list[Json]:
        """Return every Kubernetes object of the files. Raises InputError where one cannot be read."""
        snapshot = read_paths(self.paths)
        if snapshot.unread:
            first = snapshot.unread[0]
            raise InputError(
                f"{first.path}: {first.reason}", hint="a world that is not whole decides nothing"
            )
        return [item.raw for item in snapshot.objects]


def _stamp(path: str) -> tuple[str, int, int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 - each second, every file: no Path each
    except OSError:
        return path, 0, 0, 0
    return path, status.st_mtime_ns, status.st_size, status.st_ino


__all__ = ["Files", "Source"]
