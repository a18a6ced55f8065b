"""The manifest of departures."""

from __future__ import annotations

from app.departures.jobs import JOBS, SUBSCRIBERS
from app.manifest import Domain

DOMAIN = Domain(name="departures", jobs=JOBS, subscribers=SUBSCRIBERS)
