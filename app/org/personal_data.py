"""What the organisation keeps about one person (F198)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import Field
from sqlalchemy import String, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kept_data import Kept, KeptRow, Kind, RowsOf
from models.org import Department, Membership, OrgChange, Person, PersonStatus, PersonUserid


class AccountRow(KeptRow):
    name: str = Field(title="姓名", description="Name")
    alias: str = Field(title="别名", description="Alias")
    position: str = Field(title="职务", description="Title")
    status: PersonStatus = Field(title="状态", description="Status")
    extra: dict[str, Any] | None = Field(title="扩展属性", description="Extended attributes that the app may read")
    direct_leader_userids: list[str] = Field(title="直接上级", description="Direct leaders")
    first_seen_at: datetime = Field(title="首次读到", description="First read")
    updated_at: datetime = Field(title="最近变更", description="Changed last")
    ended_at: datetime | None = Field(title="离职", description="Left")


class UseridRow(KeptRow):
    userid: str = Field(title="账号", description="Userid")
    started_at: datetime = Field(title="起", description="From")
    ended_at: datetime | None = Field(title="止", description="Until")


class DepartmentRow(KeptRow):
    department: str | None = Field(title="部门", description="Department")
    is_leader: bool = Field(title="负责人", description="Leads it")
    started_at: datetime = Field(title="起", description="From")
    ended_at: datetime | None = Field(title="止", description="Until")


class ChangeRow(KeptRow):
    change: str = Field(title="变更", description="Change")
    at: datetime = Field(title="时间", description="When")
    before: dict[str, Any] | None = Field(title="原来", description="Before")
    after: dict[str, Any] | None = Field(title="之后", description="After")


ACCOUNT: Final = Kind("account", "通讯录资料", "Account", AccountRow)
USERIDS: Final = Kind("userids", "账号", "Userids", UseridRow)
DEPARTMENTS: Final = Kind("departments", "所在部门", "Departments", DepartmentRow)
CHANGES: Final = Kind("changes", "资料变更记录", "Changes of the account", ChangeRow)


async def personal_data(session: AsyncSession, person_id: UUID) -> Sequence[Kept]:
    account = select(*(getattr(Person, name) for name in AccountRow.model_fields)).where(col(Person.id) == person_id)
    userids: RowsOf = (
        select(col(PersonUserid.shown).label("userid"), col(PersonUserid.started_at), col(PersonUserid.ended_at))
        .where(col(PersonUserid.person_id) == person_id)
        .order_by(col(PersonUserid.started_at).desc())
    )
    departments: RowsOf = (
        select(
            func.coalesce(col(Department.name), cast(col(Membership.department_id), String)).label("department"),
            col(Membership.is_leader),
            col(Membership.started_at),
            col(Membership.ended_at),
        )
        .outerjoin(Department, col(Department.id) == col(Membership.department_id))
        .where(col(Membership.person_id) == person_id)
        .order_by(col(Membership.started_at).desc(), col(Membership.id))
    )
    changes = (
        select(*(getattr(OrgChange, name) for name in ChangeRow.model_fields))
        .where(col(OrgChange.object_kind).in_(["person", "membership"]), col(OrgChange.object_id) == str(person_id))
        .order_by(col(OrgChange.id).desc())
    )
    return [
        await ACCOUNT.read(session, account),
        await USERIDS.read(session, userids),
        await DEPARTMENTS.read(session, departments),
        await CHANGES.read(session, changes),
    ]
