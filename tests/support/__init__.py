"""What tests of every chapter share: where the reference data lies, and how a missing part is said."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"

MISSING_MARK = "missing part: "


def missing(part: str, reason: str) -> NoReturn:
    """Skip a test for want of a part; the end of the run counts it (`conftest.pytest_terminal_summary`)."""
    pytest.skip(f"{MISSING_MARK}{part}: {reason}")


def shared(*parts: str) -> Path:
    """Return a path below ../shared, or skip the test, counted, where that folder is absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        missing("../shared", f"{path} is not there")
    return path
