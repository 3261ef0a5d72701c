"""Flow records of Hubble, NSG and virtual network flow logs, and conntrack, read as one thing.

Replies, denied flows and flows whose ends are not there are left out and counted: a policy made of a reply would
open a client's ephemeral ports.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.core import InputError
from seawall.network.model import Address, read_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NUMBERS = {"6": "TCP", "17": "UDP", "132": "SCTP"}
_TUPLE = re.compile(r"(\w+)=(\S+)")


class Seen(msgspec.Struct, frozen=True):
    """One flow: who opened it, to whom, on which port. `*_pod` is `namespace/name` where the record says it."""

    source: Address
    target: Address
    protocol: str
    port: int
    source_pod: str = ""
    target_pod: str = ""


def read_flows(text: str) -> tuple[list[Seen], Counter[str]]:
    """Read a file of flows: each once, in the order of their first sight, and what was left out, by reason.

    Raises:
        InputError: the text is of none of the four kinds.
    """
    left: Counter[str] = Counter()
    found: dict[Seen, None] = {}
    for item in _records(text, left):
        found.setdefault(item)
    if not found and not left:
        raise InputError(
            "no flow was found", hint="give hubble observe -o json, NSG or VNet flow logs, or conntrack -L"
        )
    return list(found), left


def _records(text: str, left: Counter[str]) -> Iterator[Seen]:
    stripped = text.lstrip()
    if not stripped.startswith(("{", "[")):
        yield from _conntrack(text, left)
        return
    try:
        documents = [msgspec.json.decode(text)]
    except msgspec.DecodeError:
        documents = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    documents.append(msgspec.json.decode(line))
                except msgspec.DecodeError as error:
                    raise InputError(f"line {number}: {error}") from None
    for document in documents:
        for item in document if isinstance(document, list) else [document]:
            if isinstance(item, dict) and isinstance(item.get("records"), list):
                for record in item["records"]:
                    yield from _azure(record, left)
            elif isinstance(item, dict) and ("flowRecords" in item or "category" in item):
                yield from _azure(item, left)
            elif isinstance(item, dict):
                yield from _hubble(item.get("flow") or item, left)


def _hubble(flow: dict[str, Any], left: Counter[str]) -> Iterator[Seen]:
    if flow.get("verdict") not in (None, "FORWARDED", "REDIRECTED", "TRACED", "TRANSLATED"):
        left["denied"] += 1
        return
    reply = flow.get("is_reply")
    if reply is True or (isinstance(reply, dict) and reply.get("value") is True):
        left["replies"] += 1
        return
    layer = flow.get("l4") or {}
    protocol = next((name for name in ("TCP", "UDP", "SCTP") if name in layer), "")
    ends = flow.get("IP") or flow.get("ip") or {}
    port = (layer.get(protocol) or {}).get("destination_port")
    if not protocol or not isinstance(port, int) or not ends.get("source") or not ends.get("destination"):
        left["without ports"] += 1
        return
    yield Seen(
        read_address(ends["source"], "flow"),
        read_address(ends["destination"], "flow"),
        protocol,
        port,
        _pod(flow.get("source")),
        _pod(flow.get("destination")),
    )


def _pod(end: Any) -> str:
    if isinstance(end, dict) and end.get("pod_name") and end.get("namespace"):
        return f"{end['namespace']}/{end['pod_name']}"
    return ""


def _azure(record: dict[str, Any], left: Counter[str]) -> Iterator[Seen]:
    """Read a record of an NSG flow log (version 1 and 2) or of a virtual network flow log."""
    groups: Iterable[Any]
    if "flowRecords" in record:
        groups = (record["flowRecords"] or {}).get("flows") or []
        rows = [
            row
            for flow in groups
            for group in flow.get("flowGroups") or []
            for row in group.get("flowTuples") or []
        ]
        for row in rows:
            part = str(row).split(",")
            if len(part) < 8:
                left["unreadable"] += 1
            elif part[7] == "D":
                left["denied"] += 1
            else:
                yield from _tuple(part, _NUMBERS.get(part[5], ""), left)
        return
    groups = (record.get("properties") or {}).get("flows") or []
    rows = [
        row for flow in groups for inner in flow.get("flows") or [] for row in inner.get("flowTuples") or []
    ]
    for row in rows:
        part = str(row).split(",")
        if len(part) < 8:
            left["unreadable"] += 1
        elif part[7] == "D":
            left["denied"] += 1
        else:
            yield from _tuple(part, {"T": "TCP", "U": "UDP"}.get(part[5], ""), left)


def _tuple(part: list[str], protocol: str, left: Counter[str]) -> Iterator[Seen]:
    if not protocol:
        left["without ports"] += 1
        return
    try:
        yield Seen(read_address(part[1], "flow"), read_address(part[2], "flow"), protocol, int(part[4]))
    except ValueError:
        left["unreadable"] += 1


def _conntrack(text: str, left: Counter[str]) -> Iterator[Seen]:
    """Read `conntrack -L`: the reply's source is the pod behind a Service, after translation."""
    for line in text.splitlines():
        words = line.split()
        protocol = next((word.upper() for word in words[:3] if word.upper() in {"TCP", "UDP", "SCTP"}), "")
        pairs = _TUPLE.findall(line)
        names = [name for name, _ in pairs]
        if not words:
            continue
        if names.count("src") < 1 or not protocol:
            left["without ports"] += 1
            continue
        values = [dict(pairs[:4]), dict(pairs[names.index("src", 1) :][:4]) if names.count("src") > 1 else {}]
        if "[UNREPLIED]" in words and protocol == "TCP":
            left["unanswered"] += 1
            continue
        first, reply = values
        try:
            target, port = reply.get("src") or first["dst"], int(reply.get("sport") or first["dport"])
            yield Seen(read_address(first["src"], "flow"), read_address(target, "flow"), protocol, port)
        except (KeyError, ValueError, InputError):
            left["unreadable"] += 1
