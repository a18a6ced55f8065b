"""The manifest of the groups."""

from __future__ import annotations

from app.groups.jobs import JOBS, OUTCOMES
from app.groups.requests import KINDS
from app.groups.router import router
from app.manifest import Domain

DOMAIN = Domain(
    name="groups",
    routers=[router],
    jobs=JOBS,
    outcomes=OUTCOMES,
    kinds=KINDS,
    scopes=["groups"],
)
