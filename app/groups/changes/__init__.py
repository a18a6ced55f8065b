"""Changes of a group: why, what each asks for, the call that asks, and what became of it, for each person (D13)."""
