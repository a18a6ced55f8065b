"""The manifest of tasks."""

from __future__ import annotations

from app.manifest import Domain, Page
from app.permissions import Permission
from app.tasks import queries
from app.tasks.answers import ANSWERS
from app.tasks.jobs import CARD_ACTIONS, DEPARTURE_PARTS, RUNGS, TIMERS
from app.tasks.personal_data import personal_data
from app.tasks.router import router
from app.tasks.sight import is_seen
from models.audit import ObjectKind

DOMAIN = Domain(
    name="tasks",
    kept_data=personal_data,
    routers=[router],
    timers=TIMERS,
    rungs=RUNGS,
    card_actions=CARD_ACTIONS,
    departure_parts=DEPARTURE_PARTS,
    objects={ObjectKind.TASK: is_seen},
    pages=[
        Page(face="me", name="tasks", title="任务", english="Tasks", permission=Permission.TASK_READ, place=50),
        Page(face="console", name="tasks", title="任务", english="Tasks", permission=Permission.TASK_READ, place=40),
    ],
    answers=ANSWERS,
    waiting=[queries.waiting_for_work],
    overview=[queries.counted],
    scopes=["tasks", "tasks:act"],
)
