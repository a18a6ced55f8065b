"""Access tokens: one per (corp, app), fetched by one process, shared by all, refreshed once (F110)."""
