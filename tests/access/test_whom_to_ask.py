"""Who may not do something reads whom to ask for it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import service as access
from app.access.errors import NotPermitted, NotSeen
from app.access.service import Authority
from app.audit.why import About
from app.permissions import Permission, Reach
from models.access import AccessGrant
from models.audit import ObjectKind
from models.org import PersonStatus
from tests.access.test_grants import let
from tests.builders import groups
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM


async def said(session: AsyncSession) -> tuple[str, str]:
    refusal = await access.refused_by_name(session, Permission.GROUP_ADMINISTER, now=MONDAY_9AM)
    return str(refusal), refusal.english


async def test_those_who_may_give_it_are_named(session: AsyncSession, company: Company) -> None:
    await let(session, company.zhao)
    chinese, english = await said(session)
    assert "需要时请向 赵总 申请" in chinese
    assert "Ask 赵总 if you need to" in english


@pytest.mark.parametrize("why", ["none", "left", "revoked"])
async def test_without_anybody_who_may_give_it_the_it_department_is_named(
    session: AsyncSession, company: Company, why: str
) -> None:
    """A company that has no administrator yet, or whose only one has gone: an operator at the command line helps."""
    if why != "none":
        await let(session, company.zhao)
    if why == "left":
        company.zhao.status = PersonStatus.LEFT
    if why == "revoked":
        await session.execute(
            update(AccessGrant).values(ended_at=MONDAY_9AM).where(col(AccessGrant.ended_at).is_(None))
        )
    await session.flush()
    chinese, english = await said(session)
    assert "需要时请向信息部门申请" in chinese
    assert "Ask the IT department if you need to" in english


async def test_what_is_not_for_them_reads_like_what_is_not_there(session: AsyncSession, company: Company) -> None:
    """Both name whom to ask, so that neither says which it is."""
    await let(session, company.zhao)
    group = await groups.group(session, owner=company.wang, members=[company.chen])
    await let(session, company.li, "auditor", reach=Reach.DEPARTMENT, place="3")
    authority = await access.authority_of(session, company.li, now=MONDAY_9AM)
    told = []
    for group_id in (group.id, uuid4()):
        with pytest.raises(NotSeen) as refusal:
            await access.check(
                session, authority, Permission.GROUP_READ, About(ObjectKind.GROUP, group_id), now=MONDAY_9AM
            )
        told.append((str(refusal.value), refusal.value.english))
    assert told[0] == told[1]
    assert "需要时请向 赵总 申请" in told[0][0]
    assert "Ask 赵总 if you need to" in told[0][1]


async def test_what_is_held_nowhere_names_them_too(session: AsyncSession, company: Company) -> None:
    await let(session, company.zhao)
    with pytest.raises(NotPermitted, match="请向 赵总 申请"):
        await access.check_held(session, Authority([]), Permission.GROUP_FIND, now=MONDAY_9AM)
    with pytest.raises(NotPermitted, match="请向 赵总 申请"):
        await access.revoke_in_name(session, uuid4(), revoker=company.chen, now=MONDAY_9AM)
