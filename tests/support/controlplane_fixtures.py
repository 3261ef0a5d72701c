"""The fixtures of support/controlplane.py; conftest.py makes them known. Mark their tests `live`.

`cluster` is shared by the whole run of a worker: use a namespace of your own, and leave cluster-wide
objects as they were. `make_cluster(...)` starts one with the test's own Options and stops it after the
test; `cluster_factory(...)` lets it live to the end of the run (for a fixture of a module or session).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support import missing
from support.controlplane import Cluster, Options
from support.controlplane_binaries import BinariesError, ControlPlane, find

Factory = Callable[..., Cluster]


@pytest.fixture(scope="session")
def control_plane() -> ControlPlane:
    """The programs, or a counted skip that says where was looked."""
    try:
        return find()
    except BinariesError as error:
        missing("control plane", str(error))


@pytest.fixture(scope="session")
def cluster_factory(control_plane: ControlPlane) -> Iterator[Factory]:
    """Start clusters that live until the run ends: `cluster_factory(audit=True)`."""
    with contextlib.ExitStack() as stack:
        yield _factory(control_plane, stack)


@pytest.fixture
def make_cluster(control_plane: ControlPlane) -> Iterator[Factory]:
    """Start clusters that live until the test ends: `make_cluster(api_only=True, ...)`."""
    with contextlib.ExitStack() as stack:
        yield _factory(control_plane, stack)


@pytest.fixture(scope="session")
def cluster(cluster_factory: Factory) -> Cluster:
    """The default cluster of this worker, with controllers and scheduler, started at its first use."""
    return cluster_factory()


def _factory(control_plane: ControlPlane, stack: contextlib.ExitStack) -> Factory:
    def make(**options: Any) -> Cluster:
        asked = Options(**options)
        if not (control_plane.complete or asked.api_only):
            missing("control plane", f"{control_plane.source} has no controller manager and scheduler")
        return stack.enter_context(Cluster(control_plane, asked))

    return make
