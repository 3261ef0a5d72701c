"""Which module answers for which engine of `seawall decide` (../shared: protocol)."""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING

from seawall.core.errors import NotBuiltError, UsageError

if TYPE_CHECKING:
    from seawall.core.engine import Engine, EngineOptions

ENGINES: dict[str, str] = {
    "pod-security": "seawall.policy.decide",
    "admission": "seawall.policy.decide",
    "access": "seawall.access.decide",
    "audit-policy": "seawall.access.decide",
    "azure-data-action": "seawall.access.decide",
    "network": "seawall.network.decide",
    "nsg": "seawall.network.decide",
    "load-balancer-rules": "seawall.network.decide",
    "version-order": "seawall.images.decide",
    "vulnerabilities": "seawall.images.decide",
    "image-gate": "seawall.build.decide",
    "dockerfile": "seawall.build.decide",
    "signature": "seawall.registry.decide",
    "drain": "seawall.upgrades.decide",
    "eviction": "seawall.upgrades.decide",
    "budget": "seawall.upgrades.decide",
    "upgrade": "seawall.upgrades.decide",
    "seccomp": "seawall.nodes.decide",
    "apparmor": "seawall.nodes.decide",
    "encryption-at-rest": "seawall.secrets.decide",
    "manifest-leaks": "seawall.secrets.decide",
    "audit-events": "seawall.runtime.decide",
    "falco": "seawall.runtime.decide",
    "kql": "seawall.kql.decide",
}
"""Engine name -> the module of its chapter, which has `engine(name, options) -> Engine`."""


def load_engine(name: str, options: EngineOptions) -> Engine:
    """Import an engine by its name.

    Raises:
        UsageError: no such engine.
        NotBuiltError: the chapter has not been built in this version.
    """
    if name not in ENGINES:
        near = difflib.get_close_matches(name, ENGINES, n=1)
        raise UsageError(
            f"no engine is called {name!r}",
            hint=f"did you mean {near[0]!r}?" if near else f"engines: {', '.join(ENGINES)}",
        )
    module = ENGINES[name]
    try:
        chapter = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise NotBuiltError(f"the engine {name!r} is not built in this version") from None
    engine: Engine = chapter.engine(name, options)
    return engine
