"""What a run reads: fetched from the platform, checked one by one, staged as rows (F19 to F21)."""
