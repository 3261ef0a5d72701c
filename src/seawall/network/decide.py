"""The engines `network`, `nsg` and `load-balancer-rules` of `seawall decide`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.core import Engine, EngineOptions, InputError
from seawall.network.engines import one_engine
from seawall.network.estate import read_estate
from seawall.network.model import ECHO, Packet, protocol_name
from seawall.network.policies import Answer, PolicyWorld
from seawall.network.rules import Action

if TYPE_CHECKING:
    from collections.abc import Callable


def engine(name: str, options: EngineOptions) -> Engine:
    """Return the engine of a name."""
    del options
    if name == "nsg":
        from seawall.network.nsg_decide import NsgEngine  # noqa: PLC0415 - each engine loads what it needs

        return NsgEngine()
    if name == "load-balancer-rules":
        from seawall.network.load_balancer import LoadBalancerEngine  # noqa: PLC0415 - the same

        return LoadBalancerEngine()
    return NetworkEngine()


class NetworkEngine:
    """Can A reach B through the policies, and which rule says so."""

    def __init__(self) -> None:
        self._world = PolicyWorld([])

    def load(self, world: dict[str, Any]) -> dict[str, Any]:
        """Replace the world by `objects`: Namespaces, Pods, workloads, Nodes and policies."""
        objects = [item for item in world["objects"] if isinstance(item, dict)]
        self._world = PolicyWorld(read_estate(objects, engine=one_engine(world.get("resources") or ())))
        return {"objects": len(world["objects"])}

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """Answer `{"from", "to", "protocol", "port"}` with the verdict, both directions, and the trail."""
        source = self._world.peer(line.get("from"), "from")
        target = self._world.peer(line.get("to"), "to")
        protocol, port = read_protocol(line.get("protocol")), read_port(line.get("port"))
        packet = Packet(source, target, protocol, port, read_code(line.get("code"), protocol, port))
        egress, ingress = self._world.decide(packet)
        allowed = egress.verdict is Action.ALLOW and ingress.verdict is Action.ALLOW
        return {
            "verdict": "allow" if allowed else "deny",
            "egress": _side(egress),
            "ingress": _side(ingress),
            "trail": [*_trail("egress", egress), *_trail("ingress", ingress)],
        }


def read_protocol(value: Any) -> str:
    """Read a protocol: TCP when absent, in capitals, by its name where a number has one."""
    return "TCP" if value is None else protocol_name(value)


def read_port(value: Any) -> int | None:
    """Read a port: a number from 0 to 65535, None for what has no port.

    Raises:
        InputError: it is no port.
    """
    if value is None:
        return None
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 65_535:
        raise InputError(f"port: {value!r} is not a port", hint="a number from 0 to 65535")
    return value


def read_code(value: Any, protocol: str, port: int | None) -> int:
    """Read the code of an ICMP type, which is given as the port: 0 where there is none.

    Raises:
        InputError: it is no code, or the type is none.
    """
    if protocol in ECHO and port is not None and port > 255:
        raise InputError(f"port: {port} is no ICMP type", hint="a number from 0 to 255")
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 255 or protocol not in ECHO:
        raise InputError(f"code: {value!r} is not the code of an ICMP type", hint="a number from 0 to 255")
    return value


def _side(answer: Answer) -> dict[str, Any]:
    return {"verdict": answer.verdict.value, "tier": answer.tier, "by": answer.by()}


def _trail(direction: str, answer: Answer) -> list[str]:
    lines = [f"{direction}: {item}" for item in answer.considered]
    by = answer.by()
    if by is None:
        lines.append(f"{direction}: no policy decides, the default allows")
    else:
        name = f"{by['namespace']}/{by['name']}" if by["namespace"] else by["name"]
        rule = f" rule {by['rule']}" if "rule" in by else ""
        lines.append(f"{direction}: {by['kind']} {name}{rule}: {answer.verdict.value}")
    return lines


__all__ = ["NetworkEngine", "engine", "read_code", "read_port", "read_protocol"]
if TYPE_CHECKING:
    _make: Callable[[str, EngineOptions], Engine] = engine
