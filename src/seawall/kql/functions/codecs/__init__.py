"""Encodings, hashes, URLs and paths, keys and values, units, XML. Importing this registers all of them."""

from seawall.kql.functions.codecs import encodings, hashes, pairs, units, urls, xml

__all__ = ["encodings", "hashes", "pairs", "units", "urls", "xml"]
