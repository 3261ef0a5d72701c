"""The linter of networks: what is accepted and will not do what it seems to. Each rule is one module of `rules`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from seawall.core import InputError
from seawall.network.lint import rules
from seawall.network.lint.model import ENGINES, Found, Remark, View
from seawall.network.model import MISSHAPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["ENGINES", "Found", "Remark", "View", "lint", "rule_table"]


@cache
def _rules() -> dict[str, tuple[str, str, Callable[[View], Iterator[Found]]]]:
    out: dict[str, tuple[str, str, Callable[[View], Iterator[Found]]]] = {}
    for info in sorted(pkgutil.iter_modules(rules.__path__), key=lambda one: one.name):
        module = importlib.import_module(f"{rules.__name__}.{info.name}")
        first = (module.__doc__ or "").strip().splitlines()[0]
        out[info.name.replace("_", "-")] = (module.SEVERITY, first, module.check)
    return out


def rule_table() -> list[tuple[str, str, str]]:
    """Return (id, severity, sentence) of every rule, by id."""
    return [(name, severity, text) for name, (severity, text, _) in _rules().items()]


def lint(view: View, only: Iterable[str] = ()) -> list[Remark]:
    """Return what the rules remark, in stable order: severity, rule, object, path.

    Raises:
        InputError: an object is not shaped as its API says, with the rule that stumbled over it.
    """
    wanted = set(only)
    found: list[Remark] = []
    for name, (severity, _, check) in _rules().items():
        if not wanted or name in wanted:
            try:
                found += [Remark.of(name, severity, item) for item in check(view)]
            except MISSHAPEN as error:
                raise InputError(
                    f"rule {name}: an object is not shaped as its API says: {error}",
                    hint="kubectl apply --dry-run=server names it",
                ) from None
    return sorted(found, key=Remark.order)
