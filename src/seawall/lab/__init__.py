"""One machine."""
