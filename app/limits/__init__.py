"""What the platform allows in a span of time, and what is left of it."""
