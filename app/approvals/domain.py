"""The manifest of the approval engine. The kinds of requests stand in the manifests of the domains above."""

from __future__ import annotations

from app.approvals.jobs import card_actions, timers
from app.approvals.router import router
from app.manifest import Domain

DOMAIN = Domain(
    name="approvals",
    routers=[router],
    timers=timers(),
    card_actions=card_actions(),
    scopes=["requests"],
)
