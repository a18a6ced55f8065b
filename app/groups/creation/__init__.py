"""A group comes into being: whom it gets for an owner and for members, its rows, its first messages (F37, F39)."""
