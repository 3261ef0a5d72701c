"""The room of this chapter."""
