"""Registries, drift and signatures."""
