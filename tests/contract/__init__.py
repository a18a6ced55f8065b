"""The REST interface against its own description, over real HTTP."""
