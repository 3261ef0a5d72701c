"""Pod Security and admission policies."""
