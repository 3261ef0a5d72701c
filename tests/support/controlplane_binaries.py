"""Where the programs of a real control plane are found, and of which version they are.

The order (packaging/controlplane/README.md): `SEAWALL_CONTROLPLANE` (a folder), the build in the user's
cache, `KUBEBUILDER_ASSETS` (setup-envtest), PATH. The first place with a kube-apiserver decides the
version; what it lacks (envtest has neither controller manager nor scheduler) is taken from later places
where it is of the same minor version.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUILD = ROOT / "packaging" / "controlplane" / "build.sh"
MULTI_CALL = "seawall-controlplane"
NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
CONTROLLERS = ("kube-controller-manager", "kube-scheduler")


class BinariesError(Exception):
    """No usable control plane: the message says where was looked and what to do."""


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The programs of one control plane.

    `programs` maps a program's name to the file to execute; the name goes into argv[0], so that one
    multi-call binary serves all names without links. `version` is the API server's ("v1.34.4"), `source`
    the place it was found in. Where `complete` is false, only `api_only` clusters can be started.
    """

    programs: Mapping[str, Path]
    version: str
    source: str

    @property
    def complete(self) -> bool:
        return all(name in self.programs for name in CONTROLLERS)

    @property
    def minor(self) -> int:
        return int(self.version.split(".")[1])


def find(environ: Mapping[str, str] | None = None) -> ControlPlane:
    """Return the programs, or raise BinariesError that says which places were looked at in vain."""
    environ = os.environ if environ is None else environ
    looked: list[str] = []
    source = version = ""
    programs: dict[str, Path] = {}
    for place, candidates in places(environ):
        if not programs:
            if "kube-apiserver" not in candidates:
                looked.append(place)
                continue
            source, version = place, version_of("kube-apiserver", candidates["kube-apiserver"])
        for name, path in candidates.items():
            if name not in programs and (source == place or fits(name, path, version)):
                programs[name] = path
    if not programs:
        raise BinariesError(f"no kube-apiserver in {', '.join(looked)}; run `make controlplane` (needs Go)")
    for name in ("etcd", "kubectl"):
        if name not in programs:
            raise BinariesError(f"{source} has a kube-apiserver {version}, but there is no {name} for it")
    return ControlPlane(programs, version, source)


def places(environ: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Path]]]:
    """Yield each place in order with the programs that it holds."""
    if named := environ.get("SEAWALL_CONTROLPLANE"):
        held = in_folder(Path(named))
        if "kube-apiserver" not in held:
            # Named by hand: to go on elsewhere would test another version than the one asked for.
            raise BinariesError(
                f"SEAWALL_CONTROLPLANE={named} holds no kube-apiserver: name a folder that does"
            )
        yield "SEAWALL_CONTROLPLANE", held
    yield "the cache", in_folder(cache(environ))
    if assets := environ.get("KUBEBUILDER_ASSETS"):
        yield "KUBEBUILDER_ASSETS", in_folder(Path(assets))
    on_path = {name: shutil.which(name, path=environ.get("PATH", "")) for name in NAMES}
    yield "PATH", {name: Path(found) for name, found in on_path.items() if found}


def cache(environ: Mapping[str, str]) -> Path:
    """Return the folder of a build of the present sources (`build.sh --where` knows its key)."""
    done = subprocess.run(
        [str(BUILD), "--where"], env=dict(environ), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BinariesError(f"{BUILD} --where failed: {done.stderr.strip()}")
    return Path(done.stdout.strip())


def in_folder(folder: Path) -> dict[str, Path]:
    """Return the programs in a folder: by their own names, or all as the one multi-call binary."""
    held = {name: folder / name for name in NAMES if executable(folder / name)}
    if executable(folder / MULTI_CALL):
        held |= {name: folder / MULTI_CALL for name in NAMES if name not in held}
    return {name: path.absolute() for name, path in held.items()}


def executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def version_of(name: str, path: Path) -> str:
    """Ask a Kubernetes program for its version: "v1.34.4"."""
    arguments = ["version", "--client", "--output=json"] if name == "kubectl" else ["--version"]
    try:
        done = subprocess.run(
            [name, *arguments], executable=path, capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BinariesError(f"{path} does not tell its version: {error}") from error
    pattern = r'"gitVersion":\s*"(v\d+\.\d+\.\d+[^"]*)"' if name == "kubectl" else r"(v\d+\.\d+\.\d+\S*)"
    if done.returncode or not (match := re.search(pattern, done.stdout)):
        raise BinariesError(f"{path} does not tell its version: {(done.stdout + done.stderr).strip()[:200]}")
    return match[1]


def fits(name: str, path: Path, version: str) -> bool:
    """Say whether a program found elsewhere goes with an API server of this version.

    etcd is not tied to a minor version of Kubernetes. The rest is taken at the same minor version, though
    https://kubernetes.io/releases/version-skew-policy/ allows more: a test's answer must not hang on skew.
    """
    if name == "etcd":
        return True
    try:
        return version_of(name, path).split(".")[:2] == version.split(".")[:2]
    except BinariesError:
        return False
