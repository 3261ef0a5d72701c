"""Base64, zlib and gzip (docs: base64_*, zlib_*, gzip_*)."""

from __future__ import annotations

import base64
import binascii
import gzip
import uuid
import zlib
from typing import Any

from seawall.kql.errors import Unanswered
from seawall.kql.functions.registry import python

MAX_INFLATED = 64 << 20
"""A compressed text may not grow beyond this."""


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@python("base64_encode_tostring base64_encodestring", "text", "string")
def base64_encode(text: str) -> str:
    """`base64_encode_tostring(text)`."""
    return base64.b64encode(text.encode()).decode()


@python("base64_decode_tostring base64_decodestring", "string", "string")
def base64_decode(text: str) -> str:
    """`base64_decode_tostring(text)`: empty where the bytes are no UTF-8."""
    raw = _base64(text)
    try:
        return "" if raw is None else raw.decode()
    except UnicodeDecodeError:
        return ""


@python("base64_decode_toarray", "string", "dynamic")
def base64_decode_toarray(text: str) -> list[int] | None:
    """`base64_decode_toarray(text)`."""
    raw = _base64(text)
    return None if raw is None else list(raw)


@python("base64_encode_fromarray", "dynamic", "string")
def base64_encode_fromarray(values: Any) -> str:
    """`base64_encode_fromarray(array of bytes)`."""
    if not isinstance(values, list) or not all(isinstance(v, int) and 0 <= v <= 255 for v in values):
        return ""
    return base64.b64encode(bytes(values)).decode()


@python("base64_encode_fromguid", "guid", "string")
def base64_encode_fromguid(text: str) -> str:
    """`base64_encode_fromguid(guid)`: the bytes in .NET's order."""
    try:
        return base64.b64encode(uuid.UUID(text).bytes_le).decode()
    except ValueError:
        return ""


@python("base64_decode_toguid", "string", "guid")
def base64_decode_toguid(text: str) -> str | None:
    """`base64_decode_toguid(text)`."""
    raw = _base64(text)
    return str(uuid.UUID(bytes_le=raw)) if raw is not None and len(raw) == 16 else None


def _inflate(raw: bytes | None, wbits: int) -> str:
    if raw is None:
        return ""
    inflater = zlib.decompressobj(wbits)
    try:
        out = inflater.decompress(raw, MAX_INFLATED)
        if inflater.unconsumed_tail:
            raise Unanswered(f"a compressed text of more than {MAX_INFLATED} bytes")
        return out.decode() if inflater.eof else ""
    except (zlib.error, UnicodeDecodeError):
        return ""


@python("zlib_compress_to_base64_string", "string", "string")
def zlib_compress(text: str) -> str:
    """`zlib_compress_to_base64_string(text)`."""
    return base64.b64encode(zlib.compress(text.encode())).decode()


@python("zlib_decompress_from_base64_string", "string", "string")
def zlib_decompress(text: str) -> str:
    """`zlib_decompress_from_base64_string(text)`."""
    return _inflate(_base64(text), 15)


@python("gzip_compress_to_base64_string", "string", "string")
def gzip_compress(text: str) -> str:
    """`gzip_compress_to_base64_string(text)`."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


@python("gzip_decompress_from_base64_string", "string", "string")
def gzip_decompress(text: str) -> str:
    """`gzip_decompress_from_base64_string(text)`: a header with any flag set is not taken (its page)."""
    raw = _base64(text)
    return _inflate(raw, 31) if raw is not None and raw[:4] == b"\x1f\x8b\x08\x00" else ""
