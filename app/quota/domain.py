"""The manifest of the platform's limits."""

from __future__ import annotations

from app.manifest import Domain
from app.quota import queries
from app.quota.router import router

DOMAIN = Domain(
    name="quota",
    routers=[router],
    overview=[queries.counted],
    scopes=["quota"],
)
