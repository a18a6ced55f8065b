"""The manifest of API keys."""

from __future__ import annotations

from app.access.router import router
from app.manifest import Domain

DOMAIN = Domain(
    name="access",
    routers=[router],
    scopes=["admin"],
)
