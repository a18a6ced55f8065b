"""The manifest of timelines."""

from __future__ import annotations

from app.manifest import Domain
from app.timeline.router import router

DOMAIN = Domain(name="timeline", routers=[router])
