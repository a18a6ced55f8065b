"""The manifest of what waits for people."""

from __future__ import annotations

from app.manifest import Domain
from app.today.router import router

DOMAIN = Domain(
    name="today",
    routers=[router],
    scopes=["personal"],
)
