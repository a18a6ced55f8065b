"""How long the code of a card serves. Pure."""

from __future__ import annotations

from datetime import timedelta

from app.ledger.rules import CODE_EXPIRED, CODE_SPENT

CODE_MARGIN = timedelta(minutes=10)
"""A code this near its end is not counted on any more."""

NO_EFFECT_ON_CARD = frozenset({CODE_SPENT, CODE_EXPIRED})
