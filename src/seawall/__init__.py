"""Seawall secures the path of a container, from image build to running workload."""

__version__ = "0.1.0"
