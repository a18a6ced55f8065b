"""What a reading changes: staged as rows, compared in one statement per kind, applied set-based, tags beside it."""
