"""The use cases: publish, confirm, chase, close."""

from __future__ import annotations

from app.announcements.confirm import confirm
from app.announcements.follow_up import CHASE, DEADLINE, chase, close
from app.announcements.publish import AudienceWanted, publish

__all__ = ["CHASE", "DEADLINE", "AudienceWanted", "chase", "close", "confirm", "publish"]
