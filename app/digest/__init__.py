"""今日待办 in the morning: one message to everybody for whom something waits (policy 3.6, F168)."""
