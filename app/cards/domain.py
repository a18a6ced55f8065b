"""The manifest of cards."""

from __future__ import annotations

from app.cards.jobs import OUTCOMES
from app.manifest import Domain

DOMAIN = Domain(
    name="cards",
    outcomes=OUTCOMES,
)
