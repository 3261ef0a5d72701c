"""One file a check; adding one touches no other file."""
