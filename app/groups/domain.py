"""The manifest of the groups."""

from __future__ import annotations

from app.groups import queries
from app.groups.directory.answers import ANSWERS
from app.groups.jobs import DEPARTURE_PARTS, JOBS, OUTCOMES, SCHEDULE, SUBSCRIBERS
from app.groups.personal_data import personal_data
from app.groups.requests import KINDS
from app.groups.router import of_members, router
from app.groups.sight import is_seen, standing_as_administrator
from app.groups.succession.requests import OwnGroupKind
from app.manifest import Domain, Page
from app.permissions import Permission
from models.audit import ObjectKind

DOMAIN = Domain(
    name="groups",
    kept_data=personal_data,
    routers=[router, of_members],
    jobs=JOBS,
    schedule=SCHEDULE,
    subscribers=SUBSCRIBERS,
    outcomes=OUTCOMES,
    kinds=KINDS | {OwnGroupKind.name: OwnGroupKind()},
    departure_parts=DEPARTURE_PARTS,
    overview=[queries.counted],
    answers=ANSWERS,
    scopes=["groups"],
    standings={"group_administrator": standing_as_administrator},
    objects={ObjectKind.GROUP: is_seen},
    pages=[
        Page(face="me", name="groups", title="群", english="Groups", permission=Permission.GROUP_READ, place=30),
        Page(face="console", name="groups", title="群", english="Groups", permission=Permission.GROUP_READ, place=20),
    ],
)
