"""What a managed cluster's properties are called, and which values they take (data/aks_paths.json)."""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec

TYPE = "microsoft.containerservice/managedclusters"


class Property(msgspec.Struct, frozen=True, array_like=True):
    """A path with `[]` for the elements of a list and `*` for the free keys of a bag."""

    path: str
    kind: str
    collection: str = ""
    values: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True):
    source: str
    form: list[str]
    paths: list[Property]


class Schema:
    """Paths by name, exactly and without case, with the steps in between."""

    def __init__(self, paths: list[Property]) -> None:
        self.exact = {one.path: one for one in paths}
        for one in paths:
            parts = one.path.replace("[]", ".[]").split(".")
            for size in range(1, len(parts)):
                prefix = ".".join(parts[:size]).replace(".[]", "[]")
                self.exact.setdefault(prefix, Property(prefix, "bag"))
        self.folded = {path.lower(): one for path, one in self.exact.items()}

    def find(self, steps: tuple[str, ...]) -> Property | None:
        """Find a path in its own casing; steps of free keys match `*`."""
        return self.exact.get(self.written(steps))

    def near(self, steps: tuple[str, ...]) -> Property | None:
        """Find a path in any casing."""
        return self.folded.get(self.written(steps, fold=True))

    def written(self, steps: tuple[str, ...], *, fold: bool = False) -> str:
        """Write steps as the table does."""
        table = self.folded if fold else self.exact
        out = ""
        for step in steps:
            known = table.get(out)
            if step == "[]":
                out += "[]"
                continue
            free = known is not None and known.collection == "dict"
            out += ("." if out else "") + ("*" if free else step.lower() if fold else step)
        return out

    def open(self, steps: tuple[str, ...]) -> bool:
        """Tell whether nothing is known below this path: a free bag, or a value that is no bag of the table."""
        text = self.written(steps, fold=True)
        return not any(path.startswith((text + ".", text + "[")) for path in self.folded)

    def below(self, steps: tuple[str, ...]) -> list[str]:
        """Return the names right below a path."""
        text = self.written(steps)
        return [
            path[len(text) + 1 :]
            for path in self.exact
            if path.startswith(text + ".") and "." not in path[len(text) + 1 :]
        ]


@cache
def schema() -> Schema:
    """Read the table once."""
    data = resources.files("seawall.kql").joinpath("data/aks_paths.json").read_bytes()
    return Schema(msgspec.json.decode(data, type=_File).paths)
