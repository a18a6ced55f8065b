"""Comparisons on the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.web.schemas import Input


class Reconciliation(Input):
    accept_losses: bool = Field(
        False, description="A person has looked: a roster that lost nearly everybody is taken over as it is."
    )


class ReconciliationQueued(BaseModel):
    queued: bool = Field(description="The comparison runs in the background; its result stands in the findings.")
