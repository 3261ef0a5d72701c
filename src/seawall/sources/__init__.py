"""All reading: files, standard input, and later clusters, clouds and registries."""

from seawall.sources.locate import Locator
from seawall.sources.read import STDIN, read_paths

__all__ = ["STDIN", "Locator", "read_paths"]
