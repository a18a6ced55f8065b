"""The manifest of the trace."""

from __future__ import annotations

from app.manifest import Domain
from app.trace.router import router

DOMAIN = Domain(name="trace", routers=[router])
