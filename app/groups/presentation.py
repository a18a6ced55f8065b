"""Rows as REST shows them: ids of ours become userids, rule keys become clauses."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.groups.schemas import FindingOut, GroupMemberOut, GroupOut
from app.org import queries as org
from app.policy import service as policies
from models.groups import Group, GroupFinding, GroupMember
from models.ids import PolicyVersionId


async def groups(session: AsyncSession, rows: Sequence[Group]) -> list[GroupOut]:
    named = {row.desired_owner_id for row in rows} | {row.deputy_id for row in rows if row.deputy_id}
    userids = await org.last_userids_of(session, named)
    return [
        GroupOut.of(row, userids=userids, policy=await policies.get(session, PolicyVersionId(row.policy_version_id)))
        for row in rows
    ]


async def group(session: AsyncSession, row: Group) -> GroupOut:
    return (await groups(session, [row]))[0]


async def members(session: AsyncSession, rows: Sequence[GroupMember]) -> list[GroupMemberOut]:
    ids = [row.person_id for row in rows]
    people, userids = await org.people_by_id(session, ids), await org.last_userids_of(session, ids)
    return [GroupMemberOut.of(row, people=people, userids=userids) for row in rows]


async def member(session: AsyncSession, row: GroupMember) -> GroupMemberOut:
    return (await members(session, [row]))[0]


async def findings(session: AsyncSession, rows: Sequence[GroupFinding]) -> list[FindingOut]:
    return [
        FindingOut.of(row, policy=await policies.get(session, PolicyVersionId(row.policy_version_id))) for row in rows
    ]
