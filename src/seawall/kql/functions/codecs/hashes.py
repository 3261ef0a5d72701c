"""Hashes (docs: hash_md5, hash_sha1, hash_sha256, hash_xxhash64)."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

from seawall.kql.bind.values import Ex
from seawall.kql.errors import refuse
from seawall.kql.functions.registry import coerce, python, special, udf

for _name in ("md5", "sha1", "sha256"):

    def _digest(text: str, name: str = _name) -> str:
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest() if text else ""

    python(f"hash_{_name}", "text", "string")(lambda text, digest=_digest: digest(text))

_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)
_M = 0xFFFFFFFFFFFFFFFF


def _rotl(value: int, count: int) -> int:
    return ((value << count) | (value >> (64 - count))) & _M


def _round(acc: int, lane: int) -> int:
    return _rotl((acc + lane * _P2) & _M, 31) * _P1 & _M


def xxhash64(data: bytes, seed: int = 0) -> int:
    """Hash with xxHash64 (specification: Cyan4973/xxHash, doc/xxhash_spec.md)."""
    size, at = len(data), 0
    if size >= 32:
        accs = [(seed + _P1 + _P2) & _M, (seed + _P2) & _M, seed & _M, (seed - _P1) & _M]
        while at + 32 <= size:
            accs = [
                _round(acc, lane) for acc, lane in zip(accs, struct.unpack_from("<4Q", data, at), strict=True)
            ]
            at += 32
        out = (_rotl(accs[0], 1) + _rotl(accs[1], 7) + _rotl(accs[2], 12) + _rotl(accs[3], 18)) & _M
        for acc in accs:
            out = ((out ^ _round(0, acc)) * _P1 + _P4) & _M
    else:
        out = (seed + _P5) & _M
    out = (out + size) & _M
    while at + 8 <= size:
        out = (_rotl(out ^ _round(0, struct.unpack_from("<Q", data, at)[0]), 27) * _P1 + _P4) & _M
        at += 8
    if at + 4 <= size:
        out = (_rotl(out ^ (struct.unpack_from("<I", data, at)[0] * _P1 & _M), 23) * _P2 + _P3) & _M
        at += 4
    for byte in data[at:]:
        out = _rotl(out ^ (byte * _P5 & _M), 11) * _P1 & _M
    out = (out ^ (out >> 33)) * _P2 & _M
    out = (out ^ (out >> 29)) * _P3 & _M
    return out ^ (out >> 32)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _hash(data: bytes, modulus: int | None) -> int | None:
    value = xxhash64(data)
    if modulus is None:
        return _signed(value)
    return None if modulus <= 0 else value % modulus


udf("hash_text", "string long?", "long", lambda text, modulus: _hash(text.encode(), modulus))
udf("hash_whole", "long long?", "long", lambda value, modulus: _hash(struct.pack("<q", value), modulus))


@special("hash hash_xxhash64")
def hash_of(binder: Any, node: Any, scope: Any) -> Ex:
    """`hash(value [, modulus])` of a string, and of what is held in 64 bits: longs, datetimes and timespans.

    The page's hash of a datetime is that of the eight bytes of its ticks, the lowest first. How other types are
    laid out in memory is not written anywhere.
    """
    value = binder.ex(node.args[0], scope)
    modulus = (
        coerce(binder.ex(node.args[1], scope), "long", node.pos, node.name) if len(node.args) > 1 else "NULL"
    )
    if value.type == "string":
        return Ex(f"k_hash_text({value.sql}, {modulus})", "long")
    if value.type in ("long", "datetime", "timespan"):
        return Ex(f"k_hash_whole({value.sql}, {modulus})", "long")
    raise refuse(f"{node.name}() of a {value.type}", node.pos)
