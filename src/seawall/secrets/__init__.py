"""Who can read them, where they lie."""
