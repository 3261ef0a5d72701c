"""Encodings, hashes, URLs and paths, keys and values, units. Importing this registers all of them."""

from seawall.kql.functions.codecs import encodings, hashes, pairs, units, urls

__all__ = ["encodings", "hashes", "pairs", "units", "urls"]
