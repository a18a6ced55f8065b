"""The manifest of messages to people and groups."""

from __future__ import annotations

from app.delivery import queries
from app.delivery.jobs import JOBS
from app.delivery.router import router
from app.manifest import Domain

DOMAIN = Domain(
    name="delivery",
    routers=[router],
    jobs=JOBS,
    traces=[queries.traced],
    scopes=["deliveries", "deliveries:content"],
)
