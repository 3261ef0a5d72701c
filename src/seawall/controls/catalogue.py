"""The catalogue: every control file, read on demand, found by id or alias."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seawall.controls.model import BrokenControl, Control, Header
from seawall.core import InputError, UsageError
from seawall.sources import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BUILT_IN = Path(__file__).parent / "catalogue"
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class Catalogue:
    """Controls by id, in the order of chapter and id, and the files that could not be used."""

    def __init__(self, folders: Iterable[Path | str] = (BUILT_IN,)) -> None:
        self.controls: dict[str, Control] = {}
        self.broken: list[BrokenControl] = []
        for folder in folders:
            for chapter, path in _files(folder):
                self._add(chapter, path, built_in=folder == BUILT_IN)

    @classmethod
    def with_extra(cls, folders: Iterable[str]) -> Catalogue:
        """Return the built-in catalogue with a team's own folders after it."""
        return cls((BUILT_IN, *folders))

    def _add(self, chapter: str, path: str, *, built_in: bool) -> None:
        name = Path(path).stem
        try:
            control = read_control(path, built_in=built_in)
            if control.id != name:
                raise InputError(f"the header's id is {control.id!r}", hint="the file is named by its id")
            if control.header.chapter != chapter:
                raise InputError(
                    f"the header's chapter is {control.header.chapter!r}", hint="the folder is the chapter"
                )
            if control.id in self.controls:
                raise InputError(f"{self.controls[control.id].file} has the same id")
        except InputError as error:
            self.broken.append(BrokenControl(name, chapter, path, error.diagnostics()))
        else:
            self.controls[control.id] = control

    def find(self, name: str) -> Control:
        """Return the control of this id or alias.

        Raises:
            UsageError: there is none; the nearest id is named.
        """
        if name in self.controls:
            return self.controls[name]
        for control in self.controls.values():
            if name.upper() in control.header.aliases:
                return control
        for broken in self.broken:
            if broken.id == name:
                raise UsageError(f"control {name!r} cannot be used: {broken.reason}")
        import difflib  # noqa: PLC0415 - only a mistake needs it

        near = difflib.get_close_matches(name, self.controls, n=1)
        raise UsageError(
            f"no control is called {name!r}",
            hint=f"did you mean {near[0]!r}?" if near else "`seawall controls` lists them",
        )

    def chapters(self) -> list[str]:
        """Return the chapters that have controls."""
        return sorted({control.header.chapter for control in self.controls.values()})


def _files(folder: Path | str) -> Iterator[tuple[str, str]]:
    """Yield (chapter, path) of every control file, sorted."""
    try:
        chapters = sorted(path for path in Path(folder).iterdir() if path.is_dir())
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}", hint="--catalogue takes a folder") from None
    for chapter in chapters:
        for path in sorted(chapter.glob("*.kql")):
            yield chapter.name, str(path)


def read_control(path: str, *, built_in: bool = False) -> Control:
    """Read one control file: comment lines with YAML, then the query.

    Raises:
        InputError: the header is missing, not YAML, or has a wrong or unknown field.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from None
    header: list[str] = []
    lines = text.splitlines(keepends=True)
    for line in lines:
        if not line.startswith("//"):
            break
        header.append(line.removeprefix("//").removeprefix(" "))
    if not header:
        raise InputError(f"{path}: no header", hint="a control opens with // lines that hold YAML")
    documents = yaml.load_all("".join(header).encode(), path)
    try:
        parsed = msgspec.convert(documents[0] if documents else {}, Header)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {error}", hint="see CONTRIBUTING.md, a control's header") from None
    if not _ID.fullmatch(parsed.id):
        raise InputError(f"{path}: {parsed.id!r} is not an id", hint="lower-case words joined by hyphens")
    # The header stays in the text as blank lines, so that an error's line is the file's line.
    query = "\n" * len(header) + "".join(lines[len(header) :])
    return Control(parsed, query, path, built_in)
