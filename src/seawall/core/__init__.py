"""Plain values that everyone speaks. No files, no network, no clock of its own."""

from seawall.core.clock import Clock, FixedClock, SystemClock, parse_moment
from seawall.core.decision import Decision, Reason, Verdict
from seawall.core.engine import Engine, EngineOptions
from seawall.core.errors import (
    InputError,
    MissingExtraError,
    NotBuiltError,
    NothingToCheckError,
    SeawallError,
    UsageError,
)
from seawall.core.exits import Exit, exit_code
from seawall.core.finding import (
    Confidence,
    Evidence,
    Finding,
    Fix,
    Outcome,
    Severity,
    Subject,
    fingerprint,
)
from seawall.core.location import Location

__all__ = [
    "Clock",
    "Confidence",
    "Decision",
    "Engine",
    "EngineOptions",
    "Evidence",
    "Exit",
    "Finding",
    "Fix",
    "FixedClock",
    "InputError",
    "Location",
    "MissingExtraError",
    "NotBuiltError",
    "NothingToCheckError",
    "Outcome",
    "Reason",
    "SeawallError",
    "Severity",
    "Subject",
    "SystemClock",
    "UsageError",
    "Verdict",
    "exit_code",
    "fingerprint",
    "parse_moment",
]
