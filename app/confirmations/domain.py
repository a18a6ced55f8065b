"""The manifest of dual control."""

from __future__ import annotations

from app.confirmations import service
from app.confirmations.acts import ACTS
from app.confirmations.jobs import CARD_ACTIONS, TIMERS
from app.confirmations.router import router
from app.manifest import Domain, Page

DOMAIN = Domain(
    name="confirmations",
    routers=[router],
    timers=TIMERS,
    card_actions=CARD_ACTIONS,
    waiting=[service.waiting_for_confirmation],
    two_person_acts=ACTS,
    pages=[Page(face="me", name="confirmations", title="双人确认", english="Confirmations", permission=None)],
    scopes=["confirmations", "confirmations:decide"],
)
