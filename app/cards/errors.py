"""The errors of a click."""

from __future__ import annotations

from app.errors import Unavailable


class ClickerUnknown(Unavailable):
    """A card of ours was clicked by a userid that we do not know yet."""

    slug = "clicker-unknown"
    title = "点击的人还不在通讯录里"
