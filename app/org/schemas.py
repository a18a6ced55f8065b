"""The wire of the organisation. People are named by userid, departments by the platform's id."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from app.web.schemas import Input
from models.org import PersonStatus


class MemberDepartment(BaseModel):
    department_id: int
    order: int = Field(description="Larger comes first, as the platform sorts.")
    is_leader: bool


class Member(BaseModel):
    userid: str = Field(description="As WeCom spells it; for somebody who has left, the last one.")
    name: str
    alias: str
    position: str
    status: PersonStatus
    main_department_id: int | None
    departments: list[MemberDepartment]
    direct_leaders: list[str]
    extra: dict[str, Any] = Field(description="Extended attributes that the app may read.")
    details_known: bool = Field(description="False while only the id can be read (outside the app's visible range).")
    first_seen_at: datetime
    updated_at: datetime
    ended_at: datetime | None


class DepartmentOut(BaseModel):
    id: int
    parent_id: int | None
    name: str
    order: int
    leaders: list[str] = Field(description="Userids.")
    updated_at: datetime


class DepartmentNode(DepartmentOut):
    """A department with what is below it. At the top: whose parent cannot be seen, and the first of a ring."""

    children: list[DepartmentNode] = []


class DepartmentTree(BaseModel):
    items: list[DepartmentNode]


class ChangeOut(BaseModel):
    id: int
    object_kind: str
    change: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    run_id: UUID | None
    at: datetime


class ReturnedMember(BaseModel):
    """An account whose userid belonged to somebody who had left, beside that person."""

    userid: str
    name: str
    former_name: str
    former_left_at: datetime | None
    shared_departments: list[int] = Field(description="Where both are or were until they left.")
    alike: bool = Field(description="Userid, name and a department are the same: linked with the others in one step.")


class LinkReturned(Input):
    userids: list[str] | None = Field(
        None, min_length=1, max_length=100_000, description="Only these; without it everybody who is `alike`."
    )


class Linked(BaseModel):
    userids: list[str] = Field(description="Who now has their history back.")


class ReviewDecision(Input):
    decision: Literal["linked", "separate"] = Field(
        description="`linked`: the same human being as before; `separate`: somebody else under a re-used userid."
    )
