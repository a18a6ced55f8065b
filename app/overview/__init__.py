"""The console's first page in figures: what waits, what is late, what is wrong. Each domain counts its own (F116)."""
