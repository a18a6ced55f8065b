"""API keys: how a request is recognised, for whom a key acts, what it may, what it was used for."""
