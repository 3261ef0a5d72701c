"""Can A reach B, and which rule says so."""
