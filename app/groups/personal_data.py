"""What the register of groups keeps about one person (F198)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kept_data import FOR_PROGRAMS, Kept, KeptRow, Kind, RowsOf
from models.groups import FindingKind, FindingState, Group, GroupFinding, GroupMember


class StayRow(KeptRow):
    group_id: UUID = Field(title="群编号", description="Id of the group", json_schema_extra=FOR_PROGRAMS)
    group: str = Field(title="群", description="Group")
    desired: bool = Field(title="应在群内", description="Wanted in it")
    observed: bool = Field(title="在群内", description="Seen in it")
    reason: str = Field(title="原因", description="Why")
    desired_since: datetime = Field(title="登记", description="Registered")
    first_seen_at: datetime | None = Field(title="首次见到", description="Seen first")
    ended_at: datetime | None = Field(title="结束", description="Ended")


class FindingRow(KeptRow):
    group: str = Field(title="群", description="Group")
    kind: FindingKind = Field(title="差异", description="Difference")
    state: FindingState = Field(title="状态", description="State")
    first_seen_at: datetime = Field(title="发现", description="Found")
    resolution: str | None = Field(title="处理", description="What was done about it")


STAYS: Final = Kind("group_memberships", "所在的群", "Groups", StayRow)
FINDINGS: Final = Kind("group_findings", "群的差异", "Differences of rosters", FindingRow)


async def personal_data(session: AsyncSession, person_id: UUID) -> Sequence[Kept]:
    stays: RowsOf = (
        select(
            col(Group.id).label("group_id"),
            col(Group.desired_name).label("group"),
            col(GroupMember.desired),
            col(GroupMember.observed),
            col(GroupMember.reason),
            col(GroupMember.desired_since),
            col(GroupMember.first_seen_at),
            col(GroupMember.ended_at),
        )
        .join(Group, col(Group.id) == col(GroupMember.group_id))
        .where(col(GroupMember.person_id) == person_id)
        .order_by(col(GroupMember.id).desc())
    )
    findings: RowsOf = (
        select(
            col(Group.desired_name).label("group"),
            col(GroupFinding.kind),
            col(GroupFinding.state),
            col(GroupFinding.first_seen_at),
            col(GroupFinding.resolution),
        )
        .join(Group, col(Group.id) == col(GroupFinding.group_id))
        .where(col(GroupFinding.person_id) == person_id)
        .order_by(col(GroupFinding.id).desc())
    )
    return [await STAYS.read(session, stays), await FINDINGS.read(session, findings)]
