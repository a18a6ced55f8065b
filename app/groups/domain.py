"""The manifest of the groups."""

from __future__ import annotations

from app.groups.jobs import DEPARTURE_PARTS, JOBS, OUTCOMES, SCHEDULE, SUBSCRIBERS
from app.groups.requests import KINDS
from app.groups.router import router
from app.groups.succession.requests import OwnGroupKind
from app.manifest import Domain

DOMAIN = Domain(
    name="groups",
    routers=[router],
    jobs=JOBS,
    schedule=SCHEDULE,
    subscribers=SUBSCRIBERS,
    outcomes=OUTCOMES,
    kinds=KINDS | {OwnGroupKind.name: OwnGroupKind()},
    departure_parts=DEPARTURE_PARTS,
    scopes=["groups"],
)
