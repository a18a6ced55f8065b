"""The one way for a list to leave as a file: who took which, with which filters, how many rows, is in the trail.

`app.spreadsheets` writes the file; nobody else calls it (`tests/exports`), so that the next export cannot forget it.
"""

from __future__ import annotations

from app.exports.hand_out import ListName, hand_out
from app.exports.taking import Taking, TakingDep, taking_of

__all__ = ["ListName", "Taking", "TakingDep", "hand_out", "taking_of"]
