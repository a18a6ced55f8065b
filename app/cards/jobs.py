"""The outcomes of calls that cards react to."""

from __future__ import annotations

from app.cards.text_instead import tell_instead_of_update
from app.ledger.service import OnFailure

OUTCOMES: dict[str, OnFailure] = {"card.update": OnFailure(tell_instead_of_update)}
