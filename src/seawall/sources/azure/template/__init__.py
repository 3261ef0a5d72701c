"""ARM templates (and Bicep compiled to them), evaluated as far as they can be without a deployment."""

from seawall.sources.azure.template.deploy import read_template

__all__ = ["read_template"]
