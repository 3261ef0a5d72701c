"""`seawall decide pod-security` and `seawall decide admission` (../shared: protocol)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.core.errors import InputError
from seawall.policy.podsecurity import LEVELS, evaluate, parse_version

if TYPE_CHECKING:
    from seawall.core.engine import Engine, EngineOptions


class PodSecurityEngine:
    """Judges one pod or workload a line against a level at a version; needs no world."""

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        """Take a world and leave it: the standards look at one object alone."""
        return {"objects": len(world["objects"])}

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """Answer `{"object", "level", "version"}` with the verdict and the violations in order."""
        obj, level, version = line.get("object"), line.get("level"), line.get("version", "latest")
        if not isinstance(obj, dict):
            raise InputError("`object` is not an object", hint="give a Pod or a workload")
        if level not in LEVELS:
            raise InputError(f"`level` is {level!r}", hint=f"give one of {', '.join(LEVELS)}")
        number = parse_version(version) if isinstance(version, str) else None
        if number is None:
            raise InputError(f"`version` is {version!r}", hint='give "latest" or "v1.N"')
        found = evaluate(obj, level, number)
        return {
            "verdict": "deny" if found else "allow",
            "violations": [{"check": v.check, "reason": v.reason, "detail": v.detail} for v in found],
        }


def engine(name: str, options: EngineOptions) -> Engine:
    """Return the engine of this chapter by its name: `pod-security` or `admission`.

    Raises:
        UsageError: `options` name a version of Kubernetes that is none.
    """
    if name == "pod-security":
        return PodSecurityEngine()
    from seawall.policy.admission.engine import AdmissionEngine  # noqa: PLC0415 - CEL is heavy

    return AdmissionEngine.of(options)


__all__ = ["PodSecurityEngine", "engine"]
