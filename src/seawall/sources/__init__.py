"""All reading: files, standard input, and later clusters, clouds and registries."""

from seawall.sources.read import read_paths

__all__ = ["read_paths"]
