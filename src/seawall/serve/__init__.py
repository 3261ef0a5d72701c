"""The engines as servers: one host for every webhook, and a small module for each of them."""

from seawall.serve.service import BadRequest, Call, Json, Reply, Service

__all__ = ["BadRequest", "Call", "Json", "Reply", "Service"]
