"""The feed on the wire. What `data` holds for each type stands in the catalogue (`documentation` shows it)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

EXAMPLE_ID = "019a0000-0000-7000-8000-000000000001"


class AboutOut(BaseModel):
    kind: str = Field(description="As in the audit trail", examples=["request"])
    id: str = Field(examples=[EXAMPLE_ID])


class EventOut(BaseModel):
    """What every event says besides its data."""

    position: int = Field(examples=[1042], description="Place in the feed: ascending, without gaps, never given twice.")
    id: int = Field(examples=[1040], description="Names the event for good; says nothing about its place.")
    type: str = Field(examples=["request.approved"])
    time: datetime
    about: AboutOut
    actor: str = Field(description="`kind:id`", examples=[f"person:{EXAMPLE_ID}"])
    rule_key: str | None = Field(examples=["approval.decide"])
    policy_version: int | None = Field(description="Number of the policy version it rests on", examples=[3])
    correlation_id: str = Field(examples=["a6751a00af1f4a4b8fda89ba53592d68"])
    data: dict[str, Any] = Field(description="Ids and numbers; names and texts are fetched with them.")


class FeedOut(BaseModel):
    items: list[EventOut]
    last_position: int = Field(
        description="Pass it as `after` next time. It moves on even where no event was of the types asked for."
    )
    oldest_position: int = Field(description="The oldest event that can still be read.")
    newest_position: int = Field(
        description="How far the feed goes. While `last_position` is below it there is more: ask again at once."
    )
