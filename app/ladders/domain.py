"""The manifest of ladders."""

from __future__ import annotations

from app.ladders.jobs import TIMERS, start_up
from app.manifest import Domain

DOMAIN = Domain(name="ladders", timers=TIMERS, start_up=start_up)
