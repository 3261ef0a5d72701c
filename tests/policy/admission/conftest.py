from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def mutating_cluster(cluster_factory):
    """One API server with MutatingAdmissionPolicy turned on, for all tests of this folder."""
    return cluster_factory(api_only=True, mutating_admission_policy=True)
