"""Images, patches, profiles."""
