"""The manifest of the approval engine. The domains above register the kinds of requests."""

from __future__ import annotations

from app.approvals.jobs import CARD_ACTIONS, DEPARTURE_PARTS, JOBS, RUNGS, SUBSCRIBERS, TIMERS
from app.approvals.router import router
from app.approvals.shown import overview, queries
from app.manifest import Domain

DOMAIN = Domain(
    name="approvals",
    routers=[router],
    jobs=JOBS,
    subscribers=SUBSCRIBERS,
    timers=TIMERS,
    rungs=RUNGS,
    card_actions=CARD_ACTIONS,
    departure_parts=DEPARTURE_PARTS,
    waiting=[queries.waiting_for_decision, queries.waiting_for_objection],
    overview=[overview.counted],
    scopes=["requests", "requests:decide"],
)
