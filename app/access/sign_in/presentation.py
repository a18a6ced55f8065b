"""Sessions of people as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence

from app.access.sign_in.schemas import PersonSessionOut
from models.access import PersonSession


def sessions(rows: Sequence[PersonSession]) -> list[PersonSessionOut]:
    return [PersonSessionOut.model_validate(row, from_attributes=True) for row in rows]
