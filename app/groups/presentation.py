"""Rows as REST shows them: ids of ours become userids, rule keys become clauses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries as request_queries
from app.approvals.queries import Question
from app.groups import queries
from app.groups.schemas import (
    ApplicableOut,
    FindingOut,
    GroupLineOut,
    GroupMemberOut,
    GroupOut,
    GroupSeenOut,
    SuccessionOut,
)
from app.groups.service import GroupLine, GroupSeen
from app.groups.succession.candidates import KIND
from app.org import queries as org
from app.policy import service as policies
from app.web.schemas import ClauseOut
from models.groups import Group, GroupFinding, GroupMember
from models.ids import PolicyVersionId


async def groups(session: AsyncSession, rows: Sequence[Group]) -> list[GroupOut]:
    ids = [row.id for row in rows]
    vacant = await queries.waiting_for_owner(session, ids)
    asked = await request_queries.open_questions(session, kind=KIND, group_ids=ids)
    named = {row.desired_owner_id for row in rows} | {row.deputy_id for row in rows if row.deputy_id}
    userids = await org.last_userids_of(session, named | {one.person_id for one in asked.values()})
    return [
        GroupOut.of(
            row,
            userids=userids,
            policy=await policies.get(session, PolicyVersionId(row.policy_version_id)),
            succession=_succession(row, asked.get(row.id), userids, is_vacant=row.id in vacant),
        )
        for row in rows
    ]


def _succession(
    row: Group, asked: Question | None, userids: Mapping[UUID, str], *, is_vacant: bool
) -> SuccessionOut | None:
    if asked is None and not is_vacant:
        return None
    return SuccessionOut(
        former=userids.get(row.desired_owner_id),
        is_vacant=is_vacant,
        asked=userids.get(asked.person_id) if asked else None,
        request_id=asked.request_id if asked else None,
    )


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


# ---------------------------------------------------------------- as one person sees them


def lines(rows: Sequence[GroupLine]) -> list[GroupLineOut]:
    return [GroupLineOut(**_line(row)) for row in rows]


def seen(found: GroupSeen) -> GroupSeenOut:
    return GroupSeenOut(
        **_line(found.line),
        charter=found.charter,
        applicable=[
            ApplicableOut(
                kind=one.kind,
                allowed=one.is_allowed,
                takes_effect_at_once=one.takes_effect_at_once,
                requires=list(one.requires),
                pending=one.pending.id if one.pending else None,
                why_not=one.why_not,
                why_not_english=one.why_not_english,
                type=f"/problems/{one.reason}" if one.reason else None,
                rule=ClauseOut.of(one.clause),
            )
            for one in found.applicable
        ],
    )


def _line(row: GroupLine) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "type": row.group_type,
        "type_title": row.type_title,
        "purpose": row.purpose,
        "department_id": row.department_id,
        "department": row.department,
        "state": row.state,
        "confidential": row.is_confidential,
        "owner": row.owner.userid if row.owner else None,
        "deputy": row.deputy.userid if row.deputy else None,
        "wanted": row.counts.wanted,
        "seen": row.counts.seen,
        "standing": row.standing,
        "role": row.role,
        "since": row.since,
    }
