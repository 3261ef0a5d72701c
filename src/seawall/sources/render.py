"""Helm charts and Kustomize overlays, rendered by the programs that own them where they are on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

from seawall.core.errors import InputError
from seawall.sources.walk import read_bytes
from seawall.sources.yaml import load_all

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMEOUT: Final = 120
_NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# Fields of a kustomization that only name files which stand for themselves.
_PLAIN: Final = frozenset({"apiVersion", "kind", "metadata", "resources"})
_PATCHES: Final = ("patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "transformers", "validators",
                   "generators", "configurations", "components", "crds", "openapi")  # fmt: skip
_REMOTE: Final = ("://", "github.com/", "?ref=", "git@", "git::")


class RenderError(Exception):
    """Why a chart or an overlay could not be rendered, one sentence."""


def render_chart(folder: str, *, allowed: bool = True) -> bytes:
    """Return what `helm template` makes of a chart.

    Raises:
        RenderError: helm is not on PATH, or fails.
    """
    if not allowed:
        raise RenderError("a Helm chart, and rendering is switched off")
    helm = shutil.which("helm")
    if helm is None:
        raise RenderError(
            "a Helm chart, and helm is not on PATH: render it with `helm template` and give the result"
        )
    name = os.path.basename(os.path.abspath(folder)).lower() or "chart"
    return _run([helm, "template", name, folder, "--include-crds"], "helm template")


def render_overlay(folder: str, *, allowed: bool = True) -> bytes:
    """Return what `kustomize build` (or `kubectl kustomize`, the same code) makes of an overlay.

    Raises:
        RenderError: neither is on PATH, it fails, or the overlay would be fetched from the network.
    """
    if not allowed:
        raise RenderError("a Kustomize overlay, and rendering is switched off: its files were read unpatched")
    if remote := _remote_reference(folder, set()):
        raise RenderError(
            f"the overlay refers to {remote}: files are read without network, render it yourself"
        )
    if kustomize := shutil.which("kustomize"):
        return _run([kustomize, "build", folder], "kustomize build")
    if kubectl := shutil.which("kubectl"):
        return _run([kubectl, "kustomize", folder], "kubectl kustomize")
    raise RenderError(
        "a Kustomize overlay, and neither kustomize nor kubectl is on PATH: its files were read as they are, unpatched"
    )


def _run(command: Sequence[str], name: str) -> bytes:
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=_TIMEOUT, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise RenderError(f"{name} did not end within {_TIMEOUT} seconds") from None
    except OSError as error:
        raise RenderError(f"{name} could not be started: {error.strerror}") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise RenderError(f"{name} failed: {lines[-1][:300]}")
    return done.stdout


class Overlay:
    """What a kustomization file says about the files around it."""

    def __init__(self, folder: str, path: str) -> None:
        self.folder = folder
        self.path = path
        values = load_all(read_bytes(path), path)
        self.value: dict[str, Any] = next((value for value in values if isinstance(value, dict)), {})
        self.component = self.value.get("kind") == "Component"

    @property
    def plain(self) -> bool:
        """True when the overlay only lists local files: then the files say all."""
        return self.value.keys() <= _PLAIN and not any(
            marker in entry for entry in self.resources for marker in _REMOTE
        )

    @property
    def resources(self) -> list[str]:
        """The entries of `resources`, `bases` and `components`."""
        return [
            entry
            for field in ("resources", "bases", "components")
            for entry in self.value.get(field) or []
            if isinstance(entry, str)
        ]

    def folders(self) -> set[str]:
        """Return the real paths of the folders that it builds on."""
        paths = (os.path.realpath(os.path.join(self.folder, entry)) for entry in self.resources)
        return {path for path in paths if os.path.isdir(path)}

    def files(self) -> set[str]:
        """Return the real paths of the files that it takes in: resources, patches and the like."""
        found = {os.path.realpath(os.path.join(self.folder, entry)) for entry in self.resources}
        return found | self.patch_files()

    def patch_files(self) -> set[str]:
        """Return the real paths of files that are parts of a transformation, not objects."""
        entries: list[str] = []
        for field in _PATCHES:
            given = self.value.get(field) or []
            named = [
                entry.get("path") if isinstance(entry, dict) else entry
                for entry in (given if isinstance(given, list) else [given])
            ]
            entries.extend(entry for entry in named if isinstance(entry, str))
        for field in ("configMapGenerator", "secretGenerator"):
            for entry in self.value.get(field) or []:
                if isinstance(entry, dict):
                    for kind in ("files", "envs"):
                        entries.extend(str(item).rpartition("=")[2] for item in entry.get(kind) or [])
        charts = self.value.get("helmCharts") or []
        entries.extend(
            chart["valuesFile"]
            for chart in charts
            if isinstance(chart, dict) and isinstance(chart.get("valuesFile"), str)
        )
        return {
            os.path.realpath(os.path.join(self.folder, entry))
            for entry in entries
            if "\n" not in entry and len(entry) < 1024
        }


def _remote_reference(folder: str, seen: set[str]) -> str:
    real = os.path.realpath(folder)
    if real in seen:
        return ""
    seen.add(real)
    path = next(
        (os.path.join(folder, name) for name in _NAMES if os.path.isfile(os.path.join(folder, name))), None
    )
    if path is None:
        return ""
    try:
        overlay = Overlay(folder, path)
    except (InputError, OSError, ValueError):
        return ""
    for entry in overlay.resources:
        if any(marker in entry for marker in _REMOTE) and not os.path.exists(os.path.join(folder, entry)):
            return entry
    for inner in sorted(overlay.folders()):
        if found := _remote_reference(inner, seen):
            return found
    return ""
