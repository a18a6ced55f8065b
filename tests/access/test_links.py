"""The first administrator's link: one at a time, and only while there is no administrator (D20)."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import service as access
from app.access.errors import AdministratorExists, LinkSpent
from app.access.service import Wanted
from app.audit.actor import SYSTEM
from app.database import Sessions, transaction
from models.access import AccessGrant, AccessLink
from tests.company import SIX, Company, found
from tests.fakes.clock import MONDAY_9AM


@pytest.mark.parametrize("second", ["zhao", "li"])
async def test_a_new_link_spends_those_before_it(session: AsyncSession, company: Company, second: str) -> None:
    """Whosever they were."""
    first = await access.create_link(session, company.zhao, actor=SYSTEM, now=MONDAY_9AM)
    latest = await access.create_link(session, company.people[second], actor=SYSTEM, now=MONDAY_9AM)
    assert await access.holder_of(session, first, now=MONDAY_9AM) is None
    with pytest.raises(LinkSpent):
        await access.use_link(session, first, now=MONDAY_9AM)
    assert (await access.use_link(session, latest, now=MONDAY_9AM)).id == company.people[second].id


async def test_no_second_administrator_comes_by_a_link(session: AsyncSession, company: Company) -> None:
    token = await access.create_link(session, company.li, actor=SYSTEM, now=MONDAY_9AM)
    wanted = Wanted(company.zhao, "administrator", "系统管理员")
    await access.grant(session, wanted, actor=SYSTEM, authority=None, now=MONDAY_9AM)
    with pytest.raises(AdministratorExists, match="赵总"):
        await access.use_link(session, token, now=MONDAY_9AM)
    assert [one.id for one in await access.administrators(session, now=MONDAY_9AM)] == [company.zhao.id]


async def test_who_became_administrator_meanwhile_comes_in_by_their_own(
    session: AsyncSession, company: Company
) -> None:
    token = await access.create_link(session, company.zhao, actor=SYSTEM, now=MONDAY_9AM)
    wanted = Wanted(company.zhao, "administrator", "系统管理员")
    await access.grant(session, wanted, actor=SYSTEM, authority=None, now=MONDAY_9AM)
    assert (await access.use_link(session, token, now=MONDAY_9AM)).id == company.zhao.id


async def test_two_at_once_leave_one_link(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        company = await found(session, SIX)

    async def one(userid: str) -> str:
        async with transaction(sessions) as session:
            token = await access.create_link(session, company.people[userid], actor=SYSTEM, now=MONDAY_9AM)
            await asyncio.sleep(0.2)  # the other one looks meanwhile
            return token

    await asyncio.gather(one("zhao"), one("li"))
    async with sessions() as session:
        living = select(func.count()).select_from(AccessLink).where(AccessLink.spent_at.is_(None))  # type: ignore[union-attr]
        assert await session.scalar(living) == 1


async def test_no_link_is_made_while_one_is_used(sessions: Sessions) -> None:
    """It would wait for an administrator to leave."""
    async with transaction(sessions) as session:
        company = await found(session, SIX)
        token = await access.create_link(session, company.zhao, actor=SYSTEM, now=MONDAY_9AM)
    is_used = asyncio.Event()

    async def use() -> None:
        async with transaction(sessions) as session:
            await access.use_link(session, token, now=MONDAY_9AM)
            is_used.set()
            await asyncio.sleep(0.2)

    async def make() -> None:
        await is_used.wait()
        async with transaction(sessions) as session:
            await access.create_link(session, company.li, actor=SYSTEM, now=MONDAY_9AM)

    _, made = await asyncio.gather(use(), make(), return_exceptions=True)
    assert isinstance(made, AdministratorExists)
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(AccessGrant)) == 1
