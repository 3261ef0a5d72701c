"""Azure resources in every form that people have them in, brought to one: a Resource Graph row with ARM's names."""

from seawall.sources.azure.forms import read_azure
from seawall.sources.azure.found import Found

__all__ = ["Found", "read_azure"]
