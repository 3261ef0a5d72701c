"""Admission as kube-apiserver decides it: mutating policies, Pod Security, validating policies."""
