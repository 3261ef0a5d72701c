"""YAML and JSON as Kubernetes reads them: the one module of the product that reads either."""

from seawall.sources.yaml.documents import Document, load_all, read_documents
from seawall.sources.yaml.marks import Marks

__all__ = ["Document", "Marks", "load_all", "read_documents"]
