"""Sessions of people on the wire: never what their cookies hold."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from app.access.sign_in.attempts import Way


class PersonSessionOut(BaseModel):
    id: UUID
    browser: str = Field(description="What people recognise it by; may be empty.", examples=["企业微信手机端"])
    way: Way = Field(description="How they signed in: `client` (inside WeCom), `desktop` (by QR code), `link` (once).")
    started_at: datetime
    seen_at: datetime = Field(description="Used last, to the minute.")
    ends_at: datetime = Field(description="At the latest, however much it is used.")


class EndedSessions(BaseModel):
    ended: int = Field(description="How many sessions this has ended, also such as were too old to let anybody in.")
