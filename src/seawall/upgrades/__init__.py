"""Versions, drains, evictions."""
