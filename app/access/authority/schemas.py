"""Grants on the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from app.access.authority.two_person import GrantIn
from app.permissions import Reach
from app.web.schemas import ActingUserid, Input


class GrantingIn(GrantIn):
    """A bundle that somebody is to have, and in whose name it is given."""

    granted_by: ActingUserid = Field(description="userid of who gives it: what they hold themselves decides.")


class RevokingIn(Input):
    revoked_by: ActingUserid = Field(description="userid of who takes it back: what they hold themselves decides.")


class GrantOut(BaseModel):
    id: UUID
    person: str | None = Field(description="userid of whom it is for; null for who has left.")
    bundle: str = Field(examples=["it"], description="A key of `access.bundles` of the policy.")
    reach: Reach = Field(description="`company`, `department` or `group`.")
    place: str = Field(description="The department's number or the group's id; empty for the company.")
    reason: str
    granted_by: str | None = Field(description="userid of who gave it; null for the operator, and for who has left.")
    granted_at: datetime
    ends_at: datetime | None
    ended_at: datetime | None = Field(description="When it was taken back before its end.")
