"""The manifest of the organisation."""

from __future__ import annotations

from app.manifest import Domain
from app.org.returners import counted
from app.org.router import router

DOMAIN = Domain(
    name="org",
    routers=[router],
    overview=[counted],
    scopes=["org"],
)
