"""Pages for those who run it: HR, IT, group administrators, heads (D22)."""
