"""Read paths into a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.core.errors import NotBuiltError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seawall.snapshot import Snapshot


def read_paths(paths: Sequence[str]) -> Snapshot:
    """Read everything found in the paths (files, folders, `-` for standard input)."""
    raise NotBuiltError(f"sources are not built yet: {paths}")
