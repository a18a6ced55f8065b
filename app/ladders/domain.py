"""The manifest of ladders."""

from __future__ import annotations

from app.ladders.jobs import TIMERS
from app.manifest import Domain

DOMAIN = Domain(name="ladders", timers=TIMERS)
