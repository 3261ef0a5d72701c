"""Validation of admission policies and bindings themselves: would the API server take them, and which field not."""

from seawall.policy.admission.validation.policies import validate

__all__ = ["validate"]
