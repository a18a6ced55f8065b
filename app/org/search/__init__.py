"""People and departments are found by a part of their name, by its pinyin, or by the initials of that."""
