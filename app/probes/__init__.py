"""Probes and metrics: alive, ready, and what is not well. They read our own database and never call the platform."""
