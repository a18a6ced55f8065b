"""What people read in the morning."""

from __future__ import annotations


def morning(waiting: str) -> str:
    """`waiting`: what waits for them, as the app also says it when they ask."""
    return f"【今日待办】\n{waiting}"
