"""The manifest of the morning digest."""

from __future__ import annotations

from app.digest.jobs import JOBS, TIMERS, start_up
from app.manifest import Domain

DOMAIN = Domain(name="digest", jobs=JOBS, timers=TIMERS, start_up=start_up)
