"""When the code of a card is of no more use. Pure. `faces` spends the code, `text_instead` replaces it."""

from __future__ import annotations

from datetime import timedelta

from app.wecom.codes import CODE_EXPIRED, CODE_SPENT

CODE_MARGIN = timedelta(minutes=10)
"""A code that expires within this time is not used any more."""

NO_EFFECT_ON_CARD = frozenset({CODE_SPENT, CODE_EXPIRED})
