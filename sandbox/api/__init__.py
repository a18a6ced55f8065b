"""The platform's own API, one module per family of endpoints, behind one gateway."""
