"""The manifest of the overview."""

from __future__ import annotations

from app.manifest import Domain
from app.overview.router import router

DOMAIN = Domain(
    name="overview",
    routers=[router],
    scopes=["overview"],
)
