"""Azure RBAC for Kubernetes: from requests to data actions, roles, assignments, conditions."""
