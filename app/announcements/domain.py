"""The manifest of announcements."""

from __future__ import annotations

from app.announcements import queries
from app.announcements.jobs import CARD_ABSORBERS, CARD_ACTIONS, OUTCOMES, RUNGS, TIMERS
from app.announcements.router import router
from app.manifest import Domain

DOMAIN = Domain(
    name="announcements",
    routers=[router],
    outcomes=OUTCOMES,
    timers=TIMERS,
    rungs=RUNGS,
    card_actions=CARD_ACTIONS,
    card_absorbers=CARD_ABSORBERS,
    waiting=[queries.waiting_for_receipt],
    overview=[queries.counted],
    scopes=["announcements", "announcements:confirm"],
)
