"""The English of the pages, by their Chinese."""

ENGLISH: dict[str, str] = {}
