"""Encodings, hashes, URLs, paths, versions, units (docs: query/scalar-functions)."""

from __future__ import annotations

import base64
import binascii
import csv
import gzip
import hashlib
import io
import re
import struct
import urllib.parse
import zlib
from typing import Any

from seawall.kql.bind.values import Ex, to_json, to_string
from seawall.kql.functions.registry import coerce, python, result, special, udf

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
    import uuid

    try:
        return base64.b64encode(uuid.UUID(text).bytes_le).decode()
    except ValueError:
        return ""


@python("base64_decode_toguid", "string", "guid")
def base64_decode_toguid(text: str) -> str | None:
    """`base64_decode_toguid(text)`."""
    import uuid

    raw = _base64(text)
    return str(uuid.UUID(bytes_le=raw)) if raw is not None and len(raw) == 16 else None


def _inflate(raw: bytes | None, wbits: int) -> str:
    if raw is None:
        return ""
    try:
        return zlib.decompressobj(wbits).decompress(raw, MAX_INFLATED).decode()
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
    """`gzip_decompress_from_base64_string(text)`."""
    return _inflate(_base64(text), 31)


# --- hashes ------------------------------------------------------------------------------------------------

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


def _hash(text: str, modulus: int | None) -> int | None:
    value = xxhash64(text.encode())
    if modulus is None:
        return _signed(value)
    return None if modulus <= 0 else value % modulus


udf("hash_text", "string long?", "long", _hash)


@special("hash hash_xxhash64")
def hash_of(binder: Any, node: Any, scope: Any) -> Ex:
    """`hash(value [, modulus])` of a string; of other types only their bytes would do, so they are refused."""
    from seawall.kql.errors import refuse

    value = binder.ex(node.args[0], scope)
    if value.type != "string":
        raise refuse(f"{node.name}() of a {value.type}", node.pos)
    modulus = (
        coerce(binder.ex(node.args[1], scope), "long", node.pos, node.name) if len(node.args) > 1 else "NULL"
    )
    return Ex(f"k_hash_text({value.sql}, {modulus})", "long")


# --- URLs --------------------------------------------------------------------------------------------------


@python("url_encode", "string", "string")
def url_encode(text: str) -> str:
    """`url_encode(url)`: form encoding, a space becomes +."""
    return re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), urllib.parse.quote_plus(text, safe="!()*-_."))


@python("url_encode_component", "string", "string")
def url_encode_component(text: str) -> str:
    """`url_encode_component(url)`: a space becomes %20."""
    return urllib.parse.quote(text, safe="")


@python("url_decode", "string", "string")
def url_decode(text: str) -> str:
    """`url_decode(url)`."""
    return urllib.parse.unquote_plus(text)


def _query(text: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for part in text.split("&"):
        if part:
            key, _, value = part.partition("=")
            out[urllib.parse.unquote(key)] = urllib.parse.unquote(value)
    return out


_URL = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/?#@:]*):([^/?#@]*)@)?(\[[^\]]*\]|[^/?#:]*)(?::([0-9]*))?([^?#]*)(?:\?([^#]*))?(#.*)?$",
    re.DOTALL,
)


@python("parse_url parseurl", "string", "dynamic")
def parse_url(text: str) -> dict[str, Any]:
    """`parse_url(url)`: its parts, empty where absent.

    What duckdb-kql measured on the Kusto emulator: a user stands only before a colon; parameters are sorted by
    name, those without a name or a value are left out, one that comes twice is an array; nothing is decoded; a
    path that is a slash alone, with nothing after it, is empty.
    """
    match = _URL.match(text)
    scheme, user, password, host, port, path, query, fragment = (
        (part or "" for part in match.groups()) if match else ("",) * 8
    )
    values: dict[str, list[str]] = {}
    for part in query.split("&"):
        key, _, value = part.partition("=")
        if key and value:
            values.setdefault(key, []).append(value)
    alone = path == "/" and match is not None and match[7] is None and match[8] is None
    return {
        "Scheme": scheme,
        "Host": host,
        "Port": port,
        "Path": "" if alone else path,
        "Username": user,
        "Password": password,
        "Query Parameters": {
            key: found[0] if len(found) == 1 else found for key, found in sorted(values.items())
        },
        "Fragment": fragment[1:],
    }


@python("parse_urlquery parseurlquery", "string", "dynamic")
def parse_urlquery(text: str) -> dict[str, Any]:
    """`parse_urlquery(query)`."""
    return {"Query Parameters": _query(text.removeprefix("?"))}


@python("parse_path", "string", "dynamic")
def parse_path(text: str) -> dict[str, str]:
    """`parse_path(path)`: scheme, root, folders, file name, extension, and an alternate data stream."""
    scheme, rest = "", text
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", text)
    if found:
        scheme, rest = found[1], text[found.end() :]
    root = ""
    drive = re.match(r"([A-Za-z]:)", rest)
    if drive:
        root = drive[1]
    stream = ""
    last = max(rest.rfind("/"), rest.rfind("\\"))
    name = rest[last + 1 :]
    folder = rest[:last] if last >= 0 else ""
    if ":" in name and not (drive and last < 0):
        name, _, stream = name.partition(":")
    extension = name.rsplit(".", 1)[1] if "." in name else ""
    parent = max(folder.rfind("/"), folder.rfind("\\"))
    return {
        "Scheme": scheme,
        "RootPath": root,
        "DirectoryPath": folder,
        "DirectoryName": folder[parent + 1 :],
        "Filename": name,
        "Extension": extension,
        "AlternateDataStreamName": stream,
    }


@python("parse_csv", "string", "dynamic")
def parse_csv(text: str) -> list[str]:
    """`parse_csv(text)`: the values of the first record."""
    for row in csv.reader(io.StringIO(text), doublequote=True, skipinitialspace=False):
        return row
    return [""]


@python("parse_version", "text", "decimal")
def parse_version(text: str) -> str | None:
    """`parse_version(text)`: up to four numbers, each in eight digits of a decimal."""
    parts = text.split(".")
    if not 1 <= len(parts) <= 4 or not all(part.isdigit() and len(part) <= 8 for part in parts):
        return None
    parts += ["0"] * (4 - len(parts))
    return str(int("".join(part.zfill(8) for part in parts)))


@python("punycode_to_string", "string", "string")
def punycode_to_string(text: str) -> str:
    """`punycode_to_string(text)`."""
    try:
        return text.encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return ""


@python("punycode_from_string", "string", "string")
def punycode_from_string(text: str) -> str:
    """`punycode_from_string(text)`."""
    return text.encode("punycode").decode("ascii")


@python("punycode_domain_to_string", "string", "string")
def punycode_domain_to_string(text: str) -> str:
    """`punycode_domain_to_string(domain)`."""
    try:
        return ".".join(
            p[4:].encode("ascii").decode("punycode") if p.lower().startswith("xn--") else p
            for p in text.split(".")
        )
    except (UnicodeError, ValueError):
        return ""


@python("punycode_domain_from_string", "string", "string")
def punycode_domain_from_string(text: str) -> str:
    """`punycode_domain_from_string(domain)`."""
    return ".".join(
        p if p.isascii() else "xn--" + p.encode("punycode").decode("ascii") for p in text.split(".")
    )


# --- parse-kv ----------------------------------------------------------------------------------------------


def _kv_pairs(keys: Any, values: Any) -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in zip(keys, values, strict=True):
        out.setdefault(key, value)
    return out


def _parse_kv(
    text: str, pair: str, kv: str, quotes: str, escape: str, greedy: bool, names: Any
) -> dict[str, str]:
    """Read keys and values; without a pair delimiter every character that is no letter, digit or _ ends a pair."""
    del names
    if greedy:
        return _greedy(text, pair, kv, quotes)
    out: dict[str, str] = {}
    open_, close = (quotes[0], quotes[-1]) if quotes else ("", "")
    at = 0

    def token(ends: str, index: int) -> tuple[str, int]:
        chars: list[str] = []
        if open_ and text.startswith(open_, index):
            index += len(open_)
            while index < len(text):
                if escape and text.startswith(escape, index) and index + 1 < len(text):
                    chars.append(text[index + 1])
                    index += 2
                elif text.startswith(close, index):
                    return "".join(chars), index + len(close)
                else:
                    chars.append(text[index])
                    index += 1
            return "".join(chars), index
        while index < len(text) and not any(text.startswith(end, index) for end in ends.split("\0") if end):
            if escape and text.startswith(escape, index) and index + 1 < len(text):
                index += 1
            chars.append(text[index])
            index += 1
        return "".join(chars), index

    if not pair or not kv:
        return _loose_kv(text, pair, kv, quotes)
    while at < len(text):
        key, at = token(f"{kv}\0{pair}", at)
        if text.startswith(kv, at):
            value, at = token(pair, at + len(kv))
            out.setdefault(key.strip(), value)
        while at < len(text) and not text.startswith(pair, at):
            at += 1
        at += len(pair)
    return out


def _loose_kv(text: str, pair: str, kv: str, quotes: str) -> dict[str, str]:
    words: list[str] = []
    at = 0
    close = {quotes[0]: quotes[-1]} if quotes else {}
    while at < len(text):
        char = text[at]
        if char in close:
            end = text.find(close[char], at + 1)
            end = len(text) if end < 0 else end
            words.append(text[at + 1 : end])
            at = end + 1
            continue
        start = at
        while (
            at < len(text)
            and (text[at].isalnum() or text[at] == "_")
            and not (kv and text.startswith(kv, at))
            and not (pair and text.startswith(pair, at))
        ):
            at += 1
        if at > start:
            words.append(text[start:at])
        else:
            at += 1
    out: dict[str, str] = {}
    for key, value in zip(words[::2], words[1::2], strict=False):
        out.setdefault(key, value)
    return out


def _greedy(text: str, pair: str, kv: str, quotes: str) -> dict[str, str]:
    marks: list[tuple[int, int, str]] = []
    sep = pair or " "
    at = text.find(kv)
    while at >= 0:
        start = text.rfind(sep, 0, at)
        begin = start + len(sep) if start >= 0 else 0
        marks.append((begin, at + len(kv), text[begin:at].strip()))
        at = text.find(kv, at + len(kv))
    out: dict[str, str] = {}
    for index, (_, value_at, key) in enumerate(marks):
        end = marks[index + 1][0] if index + 1 < len(marks) else len(text)
        value = text[value_at:end]
        value = value.removesuffix(sep) if index + 1 < len(marks) else value
        if quotes and len(value) > 1 and value[0] == quotes[0] and value[-1] == quotes[-1]:
            value = value[1:-1]
        out.setdefault(key, value)
    return out


udf("kv_pairs", "dynamic dynamic", "dynamic", _kv_pairs)
udf("parse_kv", "string string string string string bool dynamic", "dynamic", _parse_kv)

# --- units: factors to the family's base unit (BIPM SI brochure; yard and pound of 1959) -----------------------

LENGTHS = {
    "Angstrom": 1e-10, "AstronomicalUnit": 149597870700.0, "Centimeter": 1e-2, "Chain": 20.1168, "DataMile": 1828.8,
    "Decameter": 10.0, "Decimeter": 1e-1, "Fathom": 1.8288, "Foot": 0.3048, "Hand": 0.1016, "Hectometer": 100.0,
    "Inch": 0.0254, "Kilometer": 1000.0, "LightYear": 9.46073047258e15, "Meter": 1.0, "Microinch": 2.54e-8,
    "Micrometer": 1e-6, "Mil": 2.54e-5, "Mile": 1609.344, "Millimeter": 1e-3, "Nanometer": 1e-9,
    "NauticalMile": 1852.0, "Yard": 0.9144,
}  # fmt: skip
MASSES = {
    "Centigram": 1e-5, "Decagram": 1e-2, "Decigram": 1e-4, "Gram": 1e-3, "Hectogram": 1e-1, "Kilogram": 1.0,
    "Kilotonne": 1e6, "Megatonne": 1e9, "Microgram": 1e-9, "Milligram": 1e-6, "Nanogram": 1e-12, "Ounce": 0.028349523125,
    "Pound": 0.45359237, "Stone": 6.35029318, "Tonne": 1000.0, "Grain": 6.479891e-5, "LongTon": 1016.0469088,
    "ShortTon": 907.18474,
}  # fmt: skip
SPEEDS = {
    "CentimeterPerSecond": 1e-2, "FootPerSecond": 0.3048, "KilometerPerHour": 1 / 3.6, "KilometerPerSecond": 1000.0,
    "Knot": 1852 / 3600, "MeterPerSecond": 1.0, "MilePerHour": 0.44704, "MeterPerMinute": 1 / 60, "FootPerMinute": 0.3048 / 60,
    "FootPerHour": 0.3048 / 3600, "InchPerSecond": 0.0254, "YardPerSecond": 0.9144,
}  # fmt: skip
VOLUMES = {
    "AcreFoot": 1 / 0.000810714, "Centiliter": 1e-5, "CubicCentimeter": 1e-6, "CubicDecimeter": 1e-3, "CubicFoot": 0.028316846592,
    "CubicInch": 1.6387064e-5, "CubicKilometer": 1e9, "CubicMeter": 1.0, "CubicMile": 4168181825.44058,
    "CubicMillimeter": 1e-9, "CubicYard": 0.764554857984, "Deciliter": 1e-4, "Liter": 1e-3, "Hectoliter": 0.1,
    "Kiloliter": 1.0, "Milliliter": 1e-6, "Microliter": 1e-9, "UsGallon": 0.003785411784, "UsPint": 0.000473176473,
    "UsQuart": 0.000946352946, "ImperialGallon": 0.00454609, "UsOunce": 2.95735295625e-5,
}  # fmt: skip
ANGLES = {
    "Arcminute": 1 / 60, "Arcsecond": 1 / 3600, "Centiradian": 57.29577951308232 / 100, "Degree": 1.0, "Gradian": 0.9,
    "Milliradian": 57.29577951308232 / 1000, "Radian": 57.29577951308232, "Revolution": 360.0,
    "Deciradian": 57.29577951308232 / 10, "Microradian": 57.29577951308232 / 1e6, "Tilt": 0.0,
}  # fmt: skip
del ANGLES["Tilt"]
ENERGIES = {
    "Joule": 1.0, "Kilojoule": 1e3, "Megajoule": 1e6, "Gigajoule": 1e9, "Calorie": 4.184, "Kilocalorie": 4184.0,
    "WattHour": 3600.0, "KilowattHour": 3.6e6, "MegawattHour": 3.6e9, "GigawattHour": 3.6e12, "ElectronVolt": 1.602176634e-19,
    "Millijoule": 1e-3, "Erg": 1e-7,
}  # fmt: skip
FORCES = {
    "Newton": 1.0, "Kilonewton": 1e3, "Meganewton": 1e6, "Millinewton": 1e-3, "Micronewton": 1e-6, "Dyn": 1e-5,
    "KilogramForce": 9.80665, "TonneForce": 9806.65, "PoundForce": 4.4482216152605, "Decanewton": 10.0,
    "KiloPond": 9.80665,
}  # fmt: skip


def _convert(table: dict[str, float]) -> Any:
    def run(value: float, have: str, want: str) -> float | None:
        a, b = table.get(have), table.get(want)
        return None if a is None or b is None else value * a / b

    return run


for _name, _table in {
    "length": LENGTHS,
    "mass": MASSES,
    "speed": SPEEDS,
    "volume": VOLUMES,
    "angle": ANGLES,
    "energy": ENERGIES,
    "force": FORCES,
}.items():
    python(f"convert_{_name}", "real text text", "real")(_convert(_table))

_KELVIN: dict[str, tuple[float, float]] = {
    "Kelvin": (1.0, 0.0), "DegreeCelsius": (1.0, 273.15), "DegreeFahrenheit": (5 / 9, 459.67 * 5 / 9), "DegreeRankine": (5 / 9, 0.0),
    "DegreeReaumur": (1.25, 273.15), "DegreeDelisle": (-2 / 3, 373.15), "DegreeNewton": (100 / 33, 273.15), "DegreeRoemer": (40 / 21, 273.15 - 7.5 * 40 / 21),
    "MillidegreeCelsius": (1e-3, 273.15),
}  # fmt: skip


@python("convert_temperature", "real text text", "real")
def convert_temperature(value: float, have: str, want: str) -> float | None:
    """`convert_temperature(value, from, to)`."""
    a, b = _KELVIN.get(have), _KELVIN.get(want)
    return None if a is None or b is None else (value * a[0] + a[1] - b[1]) / b[0]


__all__ = ["result", "to_json", "to_string"]
