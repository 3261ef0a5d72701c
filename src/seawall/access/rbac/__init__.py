"""Kubernetes RBAC: roles, bindings, aggregation, the decision, escalation."""
