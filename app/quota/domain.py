"""The manifest of the platform's limits."""

from __future__ import annotations

from app.manifest import Domain
from app.quota.router import router

DOMAIN = Domain(
    name="quota",
    routers=[router],
    scopes=["quota"],
)
