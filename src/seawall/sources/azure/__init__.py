"""Azure resources in every form that people have them in, brought to one: a Resource Graph row with ARM's names."""

from seawall.sources.azure.forms import Found, read_azure
from seawall.sources.azure.pools import Pool, pools_of

__all__ = ["Found", "Pool", "pools_of", "read_azure"]
