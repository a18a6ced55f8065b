"""The use cases: publish, confirm, chase, close."""

from __future__ import annotations

from app.announcements.confirm import BY_CARD, confirm, confirm_many
from app.announcements.publish import AudienceWanted, Draft, publish
from app.announcements.receipt_clock import start_clocks
from app.announcements.receipt_deadline import CHASE, DEADLINE, chase, chase_words, close

__all__ = [
    "BY_CARD",
    "CHASE",
    "DEADLINE",
    "AudienceWanted",
    "Draft",
    "chase",
    "chase_words",
    "close",
    "confirm",
    "confirm_many",
    "publish",
    "start_clocks",
]
