"""The function libraries, by version of Kubernetes (shared/data/policy/tables/cel-env.json, 2026-11-20)."""

from __future__ import annotations

import functools
from itertools import groupby

from seawall.cel.environment import Functions, Overload
from seawall.cel.library import authz, conversions, kubernetes, lists, operators, optionals, strings, times

_LIBRARIES: tuple[tuple[int, tuple[Overload, ...]], ...] = (
    (0, operators.OVERLOADS),
    (0, conversions.OVERLOADS),
    (0, times.OVERLOADS),
    (0, kubernetes.URLS),
    (0, kubernetes.REGEX),
    (0, lists.OVERLOADS),
    (0, strings.OVERLOADS),
    (27, authz.OVERLOADS),
    (28, operators.CROSS_TYPE),
    (28, optionals.OVERLOADS),
    (28, kubernetes.QUANTITY),
    (29, strings.SINCE_29),
    (29, lists.SETS),
    (30, kubernetes.NETWORK),
    (31, kubernetes.FORMATS),
    (31, authz.SELECTORS),
    (33, kubernetes.SEMVER),
    (34, lists.SINCE_34),
    (37, lists.SINCE_37),
)
_MACROS = {
    0: {"all", "exists", "exists_one", "map", "filter"},
    28: {"optMap", "optFlatMap"},
    32: {"two-variables", "existsOne", "transformList", "transformMap", "transformMapEntry"},
    34: {"sortBy"},
}


@functools.cache
def functions_of(minor: int, *, patches: bool = False) -> Functions:
    """Return the functions and macros that Kubernetes 1.`minor` has; `patches` adds jsonpatch.escapeKey."""
    found = [one for since, library in _LIBRARIES if since <= minor for one in library]
    if minor < 37:
        found.extend(conversions.BEFORE_37)
    if patches:
        found.append(kubernetes.ESCAPE_KEY)
    found.sort(key=lambda one: one.function)
    table = {name: tuple(group) for name, group in groupby(found, key=lambda one: one.function)}
    macros = frozenset(name for since, names in _MACROS.items() if since <= minor for name in names)
    return Functions(table, macros)
