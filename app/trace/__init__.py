"""What led to what, by correlation id: callback → decision → call → answer, in one order (F118, P5). No contents."""
