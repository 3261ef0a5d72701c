"""Lines and columns of objects and their fields, worked out only when a finding asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.core.location import Location
from seawall.snapshot.paths import dotted, parse_path
from seawall.sources.walk import read_bytes
from seawall.sources.yaml import Marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seawall.snapshot.model import AzureResource, Origin, Snapshot


class Locator:
    """Finds places in the files of one snapshot; each file is read and composed at most once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._texts = snapshot.texts
        self._marks: dict[str, Marks | None] = {}

    def locate(self, origin: Origin, path: Sequence[str | int] = ()) -> Location:
        """Return where a field of an object stands, or its nearest parent that is there.

        `path` are steps below the object. A file that is gone gives a Location without a line.
        """
        marks = self._open(origin.file)
        if marks is None:
            return Location(origin.file)
        line, column = marks.place(origin.document, (*origin.path, *path))
        return Location(origin.file, line, column)

    def locate_resource(self, resource: AzureResource, path: str | Sequence[str | int] = ()) -> Location:
        """Return where a property of an Azure resource stands.

        `path` is in the normal form (`properties.agentPoolProfiles[0].enableFIPS`); it is led back to the
        spelling and the steps of the file, which `resource.origins` knows where they differ.
        """
        steps = parse_path(path) if isinstance(path, str) else tuple(path)
        origins = resource.origins
        if origins:
            for length in range(len(steps), -1, -1):
                known = origins.get(dotted(steps[:length]))
                if known is not None:
                    return self.locate(resource.origin, (*known, *steps[length:]))
        return self.locate(resource.origin, steps)

    def _open(self, file: str) -> Marks | None:
        if file not in self._marks:
            data = self._texts.get(file)
            if data is None:
                try:
                    data = read_bytes(file)
                except (OSError, ValueError):
                    self._marks[file] = None
                    return None
            self._marks[file] = Marks(data)
        return self._marks[file]
