"""The built-in scalar functions, by family. Importing this registers all of them."""

from seawall.kql.functions import (
    codecs,
    core,
    dates,
    dynamics,
    formats,
    gathered,
    identity,
    network,
    numbers,
    patterns,
    probability,
    seasons,
    series,
    sketches,
    strings,
    windows,
)
from seawall.kql.functions.registry import FUNCTIONS, UDFS, Udf

__all__ = [
    "FUNCTIONS",
    "UDFS",
    "Udf",
    "codecs",
    "core",
    "dates",
    "dynamics",
    "formats",
    "gathered",
    "identity",
    "network",
    "numbers",
    "patterns",
    "probability",
    "seasons",
    "series",
    "sketches",
    "strings",
    "windows",
]
