"""The manifest of announcements."""

from __future__ import annotations

from app.announcements import queries
from app.announcements.jobs import CARD_ABSORBERS, CARD_ACTIONS, OUTCOMES, RUNGS, TIMERS, TWO_PERSON_ACTS
from app.announcements.personal_data import personal_data
from app.announcements.router import router
from app.announcements.sight import is_seen
from app.manifest import Domain, Page
from app.permissions import Permission
from models.audit import ObjectKind

DOMAIN = Domain(
    name="announcements",
    kept_data=personal_data,
    routers=[router],
    outcomes=OUTCOMES,
    timers=TIMERS,
    rungs=RUNGS,
    card_actions=CARD_ACTIONS,
    card_absorbers=CARD_ABSORBERS,
    objects={ObjectKind.ANNOUNCEMENT: is_seen},
    pages=[
        Page(
            face="me",
            name="announcements",
            title="通知",
            english="Announcements",
            permission=Permission.ANNOUNCEMENT_READ,
            place=40,
        ),
        Page(
            face="console",
            name="announcements",
            title="通知",
            english="Announcements",
            permission=Permission.ANNOUNCEMENT_READ,
            place=30,
        ),
    ],
    waiting=[queries.waiting_for_receipt],
    two_person_acts=TWO_PERSON_ACTS,
    overview=[queries.counted],
    scopes=["announcements", "announcements:confirm"],
)
