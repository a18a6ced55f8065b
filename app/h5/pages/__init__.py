"""One file for each domain."""
