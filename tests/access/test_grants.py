"""Nobody grants more, further or for longer than they hold; what two people give at once is given once (D21)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import service as access
from app.access.errors import AlreadyGranted, LastAdministrator, MoreThanHeld
from app.access.service import Wanted
from app.audit.actor import SYSTEM, person_actor
from app.database import Sessions, transaction
from app.permissions import Reach
from models.access import AccessGrant
from models.org import Person, PersonStatus
from tests.company import SIX, Company, found
from tests.fakes.clock import MONDAY_9AM

NEXT_WEEK, NEXT_MONTH = MONDAY_9AM + timedelta(days=7), MONDAY_9AM + timedelta(days=30)


async def let(session: AsyncSession, person: Person, bundle: str = "administrator", **more: object) -> AccessGrant:
    """As an operator does."""
    wanted = Wanted(person, bundle, "试验", **more)  # type: ignore[arg-type]
    return await access.grant(session, wanted, actor=SYSTEM, authority=None, now=MONDAY_9AM)


async def give(session: AsyncSession, giver: Person, wanted: Wanted) -> AccessGrant:
    """As somebody at a page does."""
    authority = await access.authority_of(session, giver, now=MONDAY_9AM)
    return await access.grant(session, wanted, actor=person_actor(giver.id), authority=authority, now=MONDAY_9AM)


class TestHowLong:
    @pytest.mark.parametrize("end", [None, NEXT_WEEK + timedelta(seconds=1)])
    async def test_not_longer_than_the_giver(
        self, session: AsyncSession, company: Company, end: datetime | None
    ) -> None:
        await let(session, company.zhao, ends_at=NEXT_WEEK)
        with pytest.raises(MoreThanHeld, match="到期"):
            await give(session, company.zhao, Wanted(company.li, "administrator", "接手", ends_at=end))

    async def test_as_long_as_the_giver(self, session: AsyncSession, company: Company) -> None:
        await let(session, company.zhao, ends_at=NEXT_WEEK)
        given = await give(session, company.zhao, Wanted(company.li, "administrator", "接手", ends_at=NEXT_WEEK))
        assert given.ends_at == NEXT_WEEK

    async def test_what_lasts_elsewhere_alone_does_not_count(self, session: AsyncSession, company: Company) -> None:
        """For ever in one department, for a week in the company."""
        await let(session, company.zhao, ends_at=NEXT_WEEK)
        await let(session, company.zhao, reach=Reach.DEPARTMENT, place="2")
        with pytest.raises(MoreThanHeld, match="到期"):
            await give(session, company.zhao, Wanted(company.li, "auditor", "审计", ends_at=NEXT_MONTH))
        wanted = Wanted(company.li, "auditor", "审计", Reach.DEPARTMENT, "2")
        assert (await give(session, company.zhao, wanted)).ends_at is None

    async def test_without_an_end_by_whoever_has_none(self, session: AsyncSession, company: Company) -> None:
        await let(session, company.zhao)
        assert (await give(session, company.zhao, Wanted(company.li, "administrator", "接手"))).ends_at is None

    async def test_nobody_grants_to_themselves(self, session: AsyncSession, company: Company) -> None:
        await let(session, company.zhao)
        with pytest.raises(MoreThanHeld, match="不能给自己授予"):
            await give(session, company.zhao, Wanted(company.zhao, "auditor", "方便"))


class TestABundleThatIsGone:
    """The policy has it no more: nobody knows what it gave."""

    async def revoke(self, session: AsyncSession, company: Company) -> AccessGrant:
        row = await let(session, company.li, "auditor")
        row.bundle = "abolished"
        await session.flush()
        authority = await access.authority_of(session, company.zhao, now=MONDAY_9AM)
        actor = person_actor(company.zhao.id)
        return await access.revoke(session, row.id, actor=actor, authority=authority, now=MONDAY_9AM)

    @pytest.mark.parametrize("holds", [False, True])
    async def test_nobody_else_revokes_it(self, session: AsyncSession, company: Company, holds: bool) -> None:
        if holds:
            await let(session, company.zhao, reach=Reach.DEPARTMENT, place="2")
        with pytest.raises(MoreThanHeld, match="全公司"):
            await self.revoke(session, company)

    async def test_who_grants_in_the_company_does(self, session: AsyncSession, company: Company) -> None:
        await let(session, company.zhao)
        assert (await self.revoke(session, company)).ended_at == MONDAY_9AM


async def test_two_at_once_give_one(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        company = await found(session, SIX)

    async def one() -> None:
        async with transaction(sessions) as session:
            await let(session, company.li, "auditor")
            await asyncio.sleep(0.2)  # the other one looks meanwhile

    ended = await asyncio.gather(one(), one(), return_exceptions=True)
    assert [type(result) for result in ended if result is not None] == [AlreadyGranted]
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(AccessGrant)) == 1


class TestTheLastAdministrator:
    """Of those who may grant in the whole company one stays (D21)."""

    async def test_cannot_be_taken_by_another_nor_by_themselves(self, session: AsyncSession, company: Company) -> None:
        grant = await let(session, company.zhao)
        with pytest.raises(LastAdministrator, match="请先授予另一位"):
            await take(session, company.zhao, grant)
        assert grant.ended_at is None

    async def test_who_cannot_act_is_no_other_one(self, session: AsyncSession, company: Company) -> None:
        grant = await let(session, company.zhao)
        await let(session, company.chen)
        company.chen.status = PersonStatus.DISABLED
        await session.flush()
        with pytest.raises(LastAdministrator):
            await take(session, company.zhao, grant)

    async def test_an_end_that_has_come_counts_as_gone(self, session: AsyncSession, company: Company) -> None:
        grant = await let(session, company.zhao)
        await let(session, company.chen, ends_at=NEXT_WEEK)
        with pytest.raises(LastAdministrator):
            await take(session, company.zhao, grant, at=NEXT_MONTH)

    async def test_one_of_two_can(self, session: AsyncSession, company: Company) -> None:
        await let(session, company.zhao)
        assert (await take(session, company.zhao, await let(session, company.chen))).ended_at == MONDAY_9AM

    async def test_their_other_bundles_can(self, session: AsyncSession, company: Company) -> None:
        await let(session, company.zhao)
        assert (await take(session, company.zhao, await let(session, company.chen, "it"))).ended_at == MONDAY_9AM

    async def test_an_operator_can(self, session: AsyncSession, company: Company) -> None:
        grant = await let(session, company.zhao)
        await access.revoke(session, grant.id, actor=SYSTEM, authority=None, now=MONDAY_9AM)
        assert grant.ended_at == MONDAY_9AM


async def take(session: AsyncSession, revoker: Person, grant: AccessGrant, at: datetime = MONDAY_9AM) -> AccessGrant:
    """As somebody at a page does."""
    authority = await access.authority_of(session, revoker, now=at)
    return await access.revoke(session, grant.id, actor=person_actor(revoker.id), authority=authority, now=at)


async def test_two_who_take_each_others_leave_one(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        company = await found(session, SIX)
        grants = [(company.zhao, await let(session, company.chen)), (company.chen, await let(session, company.zhao))]

    async def one(revoker: Person, grant: AccessGrant) -> None:
        async with transaction(sessions) as session:
            await take(session, revoker, grant)
            await asyncio.sleep(0.2)  # the other one looks meanwhile

    ended = await asyncio.gather(*(one(*pair) for pair in grants), return_exceptions=True)
    assert [type(result) for result in ended if result is not None] == [LastAdministrator]
