"""What a run changes: rows are staged, compared in one statement per kind and applied as sets; so are tags."""
