"""Who may not do something reads whom to ask for it."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import service as access
from app.permissions import Permission
from models.access import AccessGrant
from models.org import PersonStatus
from tests.access.test_grants import let
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
