"""Where results go: one or several formats, to standard output or to files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seawall.core.report import Report


def parse_outputs(values: Sequence[str], default: str) -> list[tuple[str, str]]:
    """Read `-o` options: `FORMAT` goes to standard output, `FORMAT=FILE` to a file.

    Raises:
        UsageError: an unknown format, two formats for standard output, or two for one file.
    """
    from seawall.report import check_format

    outputs: list[tuple[str, str]] = []
    for value in values or (default,):
        name, equals, file = value.partition("=")
        check_format(name)
        if equals and not file:
            raise UsageError(f"-o {value}: no file is named", hint=f"write -o {name}=FILE")
        if file in {taken for _, taken in outputs}:
            where = file or "standard output"
            raise UsageError(f"two formats go to {where}", hint="give one of them a file: -o sarif=FILE")
        outputs.append((name, file))
    return outputs


def colour_wanted() -> bool:
    """Tell whether to colour standard output: on a terminal, unless NO_COLOR; always with FORCE_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def write_report(report: Report, outputs: Sequence[tuple[str, str]]) -> None:
    """Render the report into each output; a file is whole or not there."""
    from seawall.report import render

    for name, file in outputs:
        if file:
            write_file(file, render(report, name))
            continue
        width = terminal_width() if sys.stdout.isatty() else 0
        emit(render(report, name, colour=colour_wanted(), width=width))


def emit(text: str) -> None:
    """Write text to standard output as UTF-8, whatever the locale says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def write_file(file: str, text: str) -> None:
    """Write a file beside its place and move it there: a reader never sees half of it.

    Raises:
        UsageError: the place cannot be written.
    """
    target = Path(file)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        if target.exists() and not target.is_file():
            # A device or pipe (/dev/stderr, a process substitution) is written as it is.
            target.write_text(text, encoding="utf-8")
            return
        scratch.write_text(text, encoding="utf-8", errors="surrogateescape")
        scratch.replace(target)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise UsageError(
            f"{file}: {error.strerror}", hint="-o FORMAT=FILE needs a place it can write"
        ) from None


def terminal_width() -> int:
    """Return the columns of the terminal."""
    import shutil

    return shutil.get_terminal_size((120, 40)).columns
