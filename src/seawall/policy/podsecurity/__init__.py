"""The Pod Security Standards, every level and version, and their admission (kubernetes.io: Pod Security).

`evaluate` judges one pod; `standard(level, version)` gives the compiled list of checks for many.
"""

from seawall.policy.podsecurity.levels import LATEST, LEVELS, NEWEST, Standard, parse_version
from seawall.policy.podsecurity.registry import Violation, checks, evaluate, judge, standard

__all__ = [
    "LATEST",
    "LEVELS",
    "NEWEST",
    "Standard",
    "Violation",
    "checks",
    "evaluate",
    "judge",
    "parse_version",
    "standard",
]
