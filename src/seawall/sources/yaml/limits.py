"""How much is read, and why not more (documented in docs/adr/0301)."""

from __future__ import annotations

from typing import Final

MAX_FILE: Final = 512 * 1024 * 1024
"""Bytes of one file. A dump of a cluster of 100,000 pods is about 300 MB."""

MAX_YAML_DOCUMENT: Final = 8 * 1024 * 1024
"""Bytes of one YAML document, or of one item of a YAML List. The API server takes requests of 3 MiB."""

MAX_JSON_STRING: Final = 8 * 1024 * 1024
"""Characters of one JSON string, for the same reason."""

MAX_DEPTH: Final = 256
"""Levels of nesting. Go's JSON reader stops at 10,000; the deepest CRDs in use have about 70."""
