"""The steps of a request: who may decide one, how they are asked, by when, and what closes it (F50 to F56)."""
