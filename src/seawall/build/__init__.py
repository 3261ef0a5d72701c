"""Dockerfile analysis and the promotion gate."""
