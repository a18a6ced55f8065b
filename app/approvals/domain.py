"""The manifest of the approval engine. The domains above register the kinds of requests."""

from __future__ import annotations

from app.approvals.answering.answers import ANSWERS
from app.approvals.jobs import CARD_ACTIONS, DEPARTURE_PARTS, JOBS, RUNGS, SUBSCRIBERS, TIMERS
from app.approvals.overseen import overview, trace
from app.approvals.personal_data import personal_data
from app.approvals.router import router
from app.approvals.shown import queries
from app.approvals.sight import is_seen
from app.manifest import Domain, Page
from app.permissions import Permission
from models.audit import ObjectKind

DOMAIN = Domain(
    name="approvals",
    kept_data=personal_data,
    routers=[router],
    jobs=JOBS,
    subscribers=SUBSCRIBERS,
    timers=TIMERS,
    rungs=RUNGS,
    card_actions=CARD_ACTIONS,
    departure_parts=DEPARTURE_PARTS,
    objects={ObjectKind.REQUEST: is_seen},
    pages=[
        Page(
            face="me",
            name="requests",
            title="我的申请",
            english="My requests",
            permission=Permission.REQUEST_READ,
            place=20,
        ),
        Page(
            face="me", name="apply", title="发起申请", english="Apply", permission=Permission.REQUEST_SUBMIT, place=10
        ),
        Page(
            face="console",
            name="requests",
            title="申请",
            english="Requests",
            permission=Permission.REQUEST_READ,
            place=10,
        ),
    ],
    answers=ANSWERS,
    waiting=[queries.waiting_for_decision, queries.waiting_for_objection],
    overview=[overview.counted],
    traces=[trace.traced],
    scopes=["requests", "requests:decide"],
)
