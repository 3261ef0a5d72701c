"""What a Terraform plan's configuration says an attribute refers to, through modules and their variables."""

from __future__ import annotations

import re
from typing import Any, Final

_MAX_STEPS: Final = 16
_INDEX: Final = re.compile(r"\[[^\]]*\]")


class Configuration:
    """The `configuration` of a plan, with the addresses of the resources that the plan has."""

    def __init__(self, configuration: Any, addresses: set[str]) -> None:
        root = configuration.get("root_module") if isinstance(configuration, dict) else None
        self._root: dict[str, Any] = root if isinstance(root, dict) else {}
        self._addresses = addresses

    def target(self, address: str, attribute: str) -> str | None:
        """Return the address of the resource whose id an attribute is, or None when that cannot be told.

        `module.aks.azurerm_kubernetes_cluster_node_pool.user["a"]`, `kubernetes_cluster_id` -> the cluster.
        """
        path, name = _module(address)
        module = self._find(path)
        plain = _INDEX.sub("", name)
        for body in module.get("resources") or []:
            if isinstance(body, dict) and body.get("address") == plain:
                expression = (body.get("expressions") or {}).get(attribute)
                return self._follow(_references(expression), path, 0)
        return None

    def _find(self, path: tuple[str, ...]) -> dict[str, Any]:
        module = self._root
        for name in path:
            call = (module.get("module_calls") or {}).get(_INDEX.sub("", name))
            inner = call.get("module") if isinstance(call, dict) else None
            if not isinstance(inner, dict):
                return {}
            module = inner
        return module

    def _follow(self, references: list[str], path: tuple[str, ...], steps: int) -> str | None:
        if steps > _MAX_STEPS:
            return None
        for reference in references:
            words = reference.split(".")
            if words[0] == "var" and path and len(words) > 1:
                call = (self._find(path[:-1]).get("module_calls") or {}).get(_INDEX.sub("", path[-1]))
                expressions = call.get("expressions") if isinstance(call, dict) else None
                inner = (expressions or {}).get(words[1])
                found = self._follow(_references(inner), path[:-1], steps + 1)
            elif words[0] == "module" and len(words) > 2:
                outputs = self._find((*path, words[1])).get("outputs") or {}
                output = outputs.get(words[2])
                expression = output.get("expression") if isinstance(output, dict) else None
                found = self._follow(_references(expression), (*path, words[1]), steps + 1)
            else:
                found = self._resource(words, path)
            if found is not None:
                return found
        return None

    def _resource(self, words: list[str], path: tuple[str, ...]) -> str | None:
        if len(words) < 2:
            return None
        wanted = "".join(f"module.{name}." for name in path) + f"{words[0]}.{words[1]}"
        if wanted in self._addresses:
            return wanted
        # With count or for_each the reference may not say which one: only a single one can be meant for sure.
        bare = _INDEX.sub("", wanted)
        same = [address for address in self._addresses if _INDEX.sub("", address) == bare]
        return same[0] if len(same) == 1 else None


def _module(address: str) -> tuple[tuple[str, ...], str]:
    path: list[str] = []
    rest = address
    while match := re.match(r'module\.([^.\[]+(?:\[(?:"[^"]*"|\d+)\])?)\.', rest):
        path.append(match[1])
        rest = rest[match.end() :]
    return tuple(path), rest


def _references(expression: Any) -> list[str]:
    """Return the references of an expression, the most exact ones first (Terraform writes `a.b.id` and `a.b`)."""
    if isinstance(expression, dict) and isinstance(expression.get("references"), list):
        return [str(one) for one in expression["references"]]
    return []
