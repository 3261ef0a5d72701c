"""Detections over audit events."""
