"""The API server's own configuration files: who is believed (AuthenticationConfiguration), who decides (AuthorizationConfiguration).

Both are read and validated with the server's words, and evaluated without one.
"""

from seawall.access.structured.authentication import AuthenticationConfiguration, read_authentication
from seawall.access.structured.authorization import (
    AuthorizationConfiguration,
    WebhookAnswer,
    authorize_structured,
    read_authorization,
)

__all__ = [
    "AuthenticationConfiguration",
    "AuthorizationConfiguration",
    "WebhookAnswer",
    "authorize_structured",
    "read_authentication",
    "read_authorization",
]
