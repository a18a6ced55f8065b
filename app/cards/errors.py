"""What a click meets."""

from __future__ import annotations

from app.errors import Unavailable


class ClickerUnknown(Unavailable):
    """Somebody holds a card of ours under a userid that we do not know yet."""

    slug = "clicker-unknown"
    title = "点击的人还不在通讯录里"
