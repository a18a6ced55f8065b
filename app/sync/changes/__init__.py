"""What a run changes: staged rows are compared in one statement per kind and applied as sets; so are tags."""
