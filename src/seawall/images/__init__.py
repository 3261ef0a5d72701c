"""What an image holds."""
