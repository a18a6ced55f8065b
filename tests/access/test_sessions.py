"""How long sessions are shown, and their forms kept (D20, P2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import service as access
from app.access.service import Lifetime, Viewer, Way
from app.access.sign_in.sessions import forget_old
from models.access import PersonSession, SubmittedForm
from models.ids import new_id
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

LONG = Lifetime(timedelta(days=365), timedelta(days=365))


async def start(session: AsyncSession, company: Company) -> Viewer:
    token = await access.start(session, company.li, way=Way.CLIENT, browser="企业微信", lifetime=LONG, now=MONDAY_9AM)
    viewer = await access.find(session, token, lifetime=LONG, now=MONDAY_9AM)
    assert viewer is not None
    return viewer


async def test_one_that_is_too_old_by_a_new_setting_is_not_shown(session: AsyncSession, company: Company) -> None:
    """It lets nobody in: it is not listed as a place where one is signed in."""
    viewer = await start(session, company)
    later = MONDAY_9AM + timedelta(days=31)
    shorter = Lifetime(timedelta(days=365), timedelta(days=30))
    assert await access.find(session, viewer.token, lifetime=shorter, now=later) is None
    assert await access.living_of(session, company.li.id, lifetime=shorter, now=later) == []
    assert len(await access.living_of(session, company.li.id, lifetime=LONG, now=later)) == 1


class TestForms:
    """A form that is open can be sent once more for as long as its session lives."""

    async def send(self, session: AsyncSession, viewer: Viewer) -> None:
        session.add(SubmittedForm(session_id=viewer.session_id, form_id=new_id(), created_at=MONDAY_9AM))
        await session.flush()

    async def kept(self, session: AsyncSession, now: datetime) -> list[UUID]:
        await forget_old(session, now=now)
        return list(await session.scalars(select(col(SubmittedForm.session_id))))

    async def test_kept_while_the_session_lives(self, session: AsyncSession, company: Company) -> None:
        viewer = await start(session, company)
        await self.send(session, viewer)
        assert await self.kept(session, MONDAY_9AM + timedelta(days=364)) == [viewer.session_id]

    async def test_forgotten_when_it_is_past_its_end(self, session: AsyncSession, company: Company) -> None:
        await self.send(session, await start(session, company))
        assert await self.kept(session, MONDAY_9AM + LONG.longest) == []
        assert await session.scalar(select(PersonSession)) is not None

    async def test_forgotten_when_it_was_ended(self, session: AsyncSession, company: Company) -> None:
        viewer, other = await start(session, company), await start(session, company)
        await self.send(session, viewer)
        await self.send(session, other)
        await access.end_own(session, viewer, viewer.session_id, now=MONDAY_9AM)
        assert await self.kept(session, MONDAY_9AM) == [other.session_id]
