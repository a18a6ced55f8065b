"""The manifest of tasks."""

from __future__ import annotations

from app.manifest import Domain
from app.tasks import queries
from app.tasks.jobs import CARD_ACTIONS, DEPARTURE_PARTS, RUNGS, TIMERS
from app.tasks.router import router

DOMAIN = Domain(
    name="tasks",
    routers=[router],
    timers=TIMERS,
    rungs=RUNGS,
    card_actions=CARD_ACTIONS,
    departure_parts=DEPARTURE_PARTS,
    waiting=[queries.waiting_for_work],
    overview=[queries.counted],
    scopes=["tasks", "tasks:act"],
)
