"""The wire of the organisation. People are named by userid, departments by the platform's id."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from models.org import Department, Membership, OrgChange, Person, PersonStatus


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

    @classmethod
    def of(cls, person: Person, *, userid: str, memberships: list[Membership]) -> Member:
        places = [
            MemberDepartment(department_id=m.department_id, order=m.sort_order, is_leader=m.is_leader)
            for m in memberships
        ]
        return cls(
            userid=userid,
            name=person.name,
            alias=person.alias,
            position=person.position,
            status=person.status,
            main_department_id=person.main_department_id,
            departments=places,
            direct_leaders=person.direct_leader_userids,
            extra=person.extra or {},
            details_known=person.details_known,
            first_seen_at=person.first_seen_at,
            updated_at=person.updated_at,
            ended_at=person.ended_at,
        )


class DepartmentOut(BaseModel):
    id: int
    parent_id: int | None
    name: str
    order: int
    leaders: list[str] = Field(description="Userids.")
    updated_at: datetime

    @classmethod
    def of(cls, department: Department) -> DepartmentOut:
        return cls(
            id=department.id,
            parent_id=department.parent_id,
            name=department.name,
            order=department.sort_order,
            leaders=department.leader_userids,
            updated_at=department.updated_at,
        )


class DepartmentNode(DepartmentOut):
    """A department with what is below it. One whose parent cannot be seen stands at the top."""

    children: list[DepartmentNode] = []

    @classmethod
    def forest(cls, departments: list[Department]) -> list[DepartmentNode]:
        nodes = {department.id: cls(**DepartmentOut.of(department).model_dump()) for department in departments}
        tops: list[DepartmentNode] = []
        for node in nodes.values():
            parent = nodes.get(node.parent_id) if node.parent_id is not None else None
            (parent.children if parent is not None else tops).append(node)
        return tops


class DepartmentTree(BaseModel):
    items: list[DepartmentNode]


class ChangeOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    object_kind: str
    change: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    run_id: UUID | None
    at: datetime

    @classmethod
    def of(cls, change: OrgChange) -> ChangeOut:
        return cls.model_validate(change)


class ReviewDecision(BaseModel):
    decision: Literal["linked", "separate"] = Field(
        description="`linked`: the same human being as before; `separate`: somebody else under a re-used userid."
    )
