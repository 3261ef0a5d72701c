"""From the paths of a command line to the files that are worth opening, in stable order."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from seawall.core.errors import InputError
from seawall.snapshot.model import Passed, Unread
from seawall.sources.yaml.limits import MAX_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

_READ: Final = (".yaml", ".yml", ".json", ".jsonl", ".ndjson")
_ADVICE: Final = {
    ".bicep": "Bicep source: compile it to ARM JSON with `bicep build` (or `az bicep build`)",
    ".bicepparam": "Bicep parameters: compile them with `bicep build-params`",
    ".tf": "Terraform source: make a plan and give its JSON (`terraform show -json plan.out > plan.json`)",
    ".tfplan": "a binary Terraform plan: give its JSON (`terraform show -json`)",
    ".tfstate": "Terraform state: give the plan's JSON (`terraform show -json`)",
    ".tgz": "an archive: unpack it, or render the chart with `helm template`",
}
_SKIPPED: Final = frozenset({".git", ".hg", ".svn"})
_OPEN: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_DESCRIPTORS: Final = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")


class Walk:
    """Walks paths; `files` is what to read, the rest says what was passed over and what could not be read."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.charts: list[str] = []
        self.overlays: list[tuple[str, str]] = []
        """Folder and name of each kustomization file."""
        self.unread: list[Unread] = []
        self.ignored: list[Passed] = []
        self._folders: set[tuple[int, int]] = set()
        self._links: list[tuple[str, int, int]] = []

    def run(self, paths: Sequence[str]) -> None:
        """Walk the paths.

        Raises:
            InputError: a path that was given does not exist.
        """
        for path in paths:
            try:
                status = os.stat(path)
            except FileNotFoundError:
                if os.path.islink(path):
                    self.unread.append(Unread(path, "a symbolic link to nothing"))
                    continue
                raise InputError(f"{path}: no such file or folder", hint="check the path") from None
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                raise InputError(f"{path}: {reason}") from None
            if stat.S_ISDIR(status.st_mode):
                self._folder(path.rstrip("/") or "/")
            else:
                self.files.append(path)
        # A link to a file that was met by its own name adds nothing.
        if self._links:
            self._drop_repeated_links()
        if len(paths) > 1:
            self.files = _unique(self.files)

    def _drop_repeated_links(self) -> None:
        linked = {path: (device, inode) for path, device, inode in self._links}
        real: set[tuple[int, int]] = set()
        for path in self.files:
            if path not in linked:
                status = os.stat(path)
                real.add((status.st_dev, status.st_ino))
        for path, identity in linked.items():
            if identity in real:
                self.files.remove(path)
                self.ignored.append(Passed(path, "a symbolic link to a file that was read by its own name"))
            real.add(identity)

    def _folder(self, top: str) -> None:
        stack = [top]
        while stack:
            folder = stack.pop()
            try:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in self._folders:
                    self.ignored.append(Passed(folder, "a folder that was read already (a symbolic link)"))
                    continue
                self._folders.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as entries:
                    found = sorted(entries, key=_name)
            except OSError as error:
                self.unread.append(Unread(folder, f"the folder cannot be listed: {error.strerror}"))
                continue
            prefix = "" if folder == "." else folder if folder == "/" else folder + "/"
            chart = any(entry.name == "Chart.yaml" for entry in found)
            if chart:
                self.charts.append(folder)
            inner: list[str] = []
            for entry in found:
                self._entry(entry, prefix + entry.name, inner, chart=chart)
            stack.extend(reversed(inner))

    def _entry(self, entry: os.DirEntry[str], path: str, inner: list[str], *, chart: bool) -> None:
        name = entry.name
        try:
            if entry.is_file(follow_symlinks=False):
                if chart and (name.startswith("values") or name in {"Chart.yaml", "Chart.lock"}):
                    self.ignored.append(Passed(path, "part of a Helm chart"))
                else:
                    self._file(path, name)
            elif entry.is_dir():
                if name in _SKIPPED:
                    return
                if name.startswith("."):
                    self.ignored.append(Passed(path, "a hidden folder"))
                elif chart and name in {"templates", "charts"}:
                    self.ignored.append(Passed(path, "templates of a Helm chart"))
                else:
                    inner.append(path)
            elif entry.is_symlink():
                self._link(entry, path, name)
            else:
                self.unread.append(Unread(path, f"{kind_of(entry.stat().st_mode)} is not read"))
        except OSError as error:
            self.unread.append(Unread(path, error.strerror or str(error)))

    def _link(self, entry: os.DirEntry[str], path: str, name: str) -> None:
        try:
            status = entry.stat()
        except FileNotFoundError:
            self.unread.append(Unread(path, "a symbolic link to nothing"))
            return
        if not stat.S_ISREG(status.st_mode):
            self.unread.append(Unread(path, f"{kind_of(status.st_mode)} is not read"))
        elif name.lower().endswith(_READ):
            self._links.append((path, status.st_dev, status.st_ino))
            self._file(path, name)
        else:
            self._file(path, name)

    def _file(self, path: str, name: str) -> None:
        if name.endswith(_READ):
            if name in {"kustomization.yaml", "kustomization.yml"}:
                self.overlays.append((path.rpartition("/")[0] or ".", path))
            else:
                self.files.append(path)
            return
        if name == "Kustomization":
            self.overlays.append((path.rpartition("/")[0] or ".", path))
            return
        suffix = os.path.splitext(name)[1].lower()
        if suffix in _READ:
            self.files.append(path)
        else:
            self.ignored.append(Passed(path, _ADVICE.get(suffix, "not YAML or JSON")))


def read_bytes(path: str) -> bytes:
    """Read a regular file whole; a FIFO or a device is refused, never waited for.

    Raises:
        OSError: as the system says.
        ValueError: it is not a regular file, or larger than the limit.
    """
    if path.startswith(_DESCRIPTORS):  # what a shell's process substitution hands over
        with open(path, "rb") as stream:
            return read_stream(stream.read(MAX_FILE + 1))
    descriptor = os.open(path, _OPEN)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{kind_of(status.st_mode)} is not read")
        if status.st_size > MAX_FILE:
            raise ValueError(f"{status.st_size} bytes; files of up to {MAX_FILE} are read")
        data = os.read(descriptor, status.st_size + 1)
        if len(data) != status.st_size:  # a file under /proc, one that grows, or more than one read gives
            parts = [data]
            total = len(data)
            while total <= MAX_FILE and (part := os.read(descriptor, 1 << 20)):
                parts.append(part)
                total += len(part)
            data = read_stream(b"".join(parts))
        return data
    finally:
        os.close(descriptor)


def read_stream(data: bytes) -> bytes:
    """Return the data if it keeps within the limit of a file.

    Raises:
        ValueError: it does not.
    """
    if len(data) > MAX_FILE:
        raise ValueError(f"more than {MAX_FILE} bytes; that is the limit")
    return data


def kind_of(mode: int) -> str:
    """Name what is not a regular file."""
    for test, name in (
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
        (stat.S_ISDIR, "a folder"),
    ):
        if test(mode):
            return name
    return "what is not a regular file"


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _unique(files: list[str]) -> list[str]:
    seen: set[str] = set()
    kept: list[str] = []
    for path in files:
        real = path if path.startswith(_DESCRIPTORS) else os.path.realpath(path)
        if real not in seen:
            seen.add(real)
            kept.append(path)
    return kept
