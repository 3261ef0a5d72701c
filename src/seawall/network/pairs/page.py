"""The matrix as one self-contained page: by namespace first, opened down to the workload where one looks."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from seawall.network.pairs.engine import Matrix
    from seawall.network.pairs.view import Entity

OUTSIDE = "(outside)"


def page(matrix: Matrix, listed: list[Entity]) -> str:
    """Return the page. Its data are the entities with their classes and, class by class, the ports."""
    used = sorted({item.cls for item in listed})
    place = {cls: number for number, cls in enumerate(used)}
    texts = ["none"]
    numbers = {0: 0}
    rows: list[list[int]] = []
    for low, words in matrix.rows():
        for cls in used:
            if not low <= cls < low + words.shape[0]:
                continue
            masks = words[cls - low][used]
            row = [0] * len(used)
            for target in np.flatnonzero(masks.any(axis=1)).tolist():
                mask = matrix.ports.from_words(masks[target])
                if mask not in numbers:
                    numbers[mask] = len(texts)
                    texts.append(matrix.ports.text(mask))
                row[target] = numbers[mask]
            rows.append(row)
    data = {
        "ends": [
            [item.name, item.kind, item.namespace or OUTSIDE, place[item.cls], item.members]
            for item in listed
        ],
        "texts": texts,
        "rows": rows,
    }
    # Names come from files of others: no text of theirs may end the script that holds the data.
    encoded = msgspec.json.encode(data).decode().replace("<", "\\u003c").replace("\u2028", "\\u2028")
    folder = resources.files("seawall.network.pairs") / "page_files"
    template = (folder / "matrix.html").read_text(encoding="utf-8")
    return template.replace("/*DATA*/", encoded)
