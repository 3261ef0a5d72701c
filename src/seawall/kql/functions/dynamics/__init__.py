"""Functions on dynamic values: arrays and bags (docs: query/dynamic-functions), a module for each subject."""

from seawall.kql.functions.dynamics import arrays, bags, making, paths, sets, sorting, values
from seawall.kql.functions.dynamics.bags import bag_merge
from seawall.kql.functions.dynamics.values import LIMIT, distinct, freeze

__all__ = [
    "LIMIT",
    "arrays",
    "bag_merge",
    "bags",
    "distinct",
    "freeze",
    "making",
    "paths",
    "sets",
    "sorting",
    "values",
]
