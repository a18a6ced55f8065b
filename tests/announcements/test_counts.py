"""What is counted as it changes says what a count of the rows would say (P3)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements import queries, service
from app.announcements.queries import Standing
from app.database import Sessions, migrate, migration_config, transaction
from app.delivery import queries as delivery_queries
from models.announcements import Announcement, Receipt, ReceiptCount
from models.delivery import COUNTED_FROM, Delivery, DeliveryCount, DeliveryState, Message
from models.ids import AnnouncementId
from models.org import Person
from tests.builders.announcements import announcement, card_reaches
from tests.builders.approvals import everything_arrives
from tests.builders.ladders import rings
from tests.builders.org import crowd
from tests.company import HEADQUARTERS, Company, found
from tests.fakes.clock import MONDAY_9AM

BEFORE = "0031_confirm_by_need"
PEOPLE = ["zhao", "li", "chen", "han", "sun"]

_BY_ROWS = text("""
SELECT count(*), count(confirmed_at), count(*) FILTER (WHERE confirmed_at IS NULL AND due_at IS NULL),
    count(*) FILTER (WHERE late), count(chased_at)
FROM receipts WHERE announcement_id = :id
""")


async def by_rows(session: AsyncSession, announcement_id: UUID) -> Standing:
    row = (await session.execute(_BY_ROWS, {"id": announcement_id})).one()
    return Standing(*row)


async def cards_by_rows(session: AsyncSession, message: Message) -> dict[DeliveryState, int]:
    statement = select(col(Delivery.state), func.count()).where(col(Delivery.message_id) == message.id)
    rows = await session.execute(statement.group_by(col(Delivery.state)))
    return dict.fromkeys(DeliveryState, 0) | {row[0]: row[1] for row in rows}


async def confirm(session: AsyncSession, row: Announcement, company: Company, userid: str, now: datetime) -> None:
    person = company.people[userid]
    await service.confirm(session, announcement_id=AnnouncementId(row.id), person=person, via="rest", now=now)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_to_the_receipts(session: AsyncSession, company: Company, seed: int) -> None:
    """Confirmed before the card arrives and after, in time and late, reached at several moments, chased."""
    random = Random(seed)  # noqa: S311 -- a repeatable story
    rows = [
        await announcement(session, company.wang, message_class=named, people=PEOPLE) for named in ("work", "urgent")
    ]
    now, unreached = MONDAY_9AM, {(row.id, one) for row in rows for one in PEOPLE}
    for _ in range(30):
        now += timedelta(minutes=random.choice([1, 20, 300]))
        row, userid = random.choice(rows), random.choice(PEOPLE)
        match random.choice(["confirm", "reach", "chase"]):
            case "confirm":
                await confirm(session, row, company, userid, now)
            case "reach" if (row.id, userid) in unreached:
                unreached.remove((row.id, userid))
                await card_reaches(session, row, company.people[userid], now=now)
            case _:
                await session.execute(update(Receipt).where(col(Receipt.due_at).is_not(None)).values(chase_at=now))
                await rings(session, service.CHASE, str(row.id), now)
        for one in rows:
            assert await queries.standing(session, one.id) == await by_rows(session, one.id)
    assert (await by_rows(session, rows[0].id)).confirmed


async def test_receipts_that_are_removed_count_no_more(session: AsyncSession, company: Company) -> None:
    row = await announcement(session, company.wang, people=PEOPLE)
    await everything_arrives(session)
    await confirm(session, row, company, "li", MONDAY_9AM)
    [of_li] = [one for one in await session.scalars(select(Receipt)) if one.person_id == company.li.id]
    await session.delete(of_li)
    await session.flush()
    seen = await queries.standing(session, row.id)
    assert seen == await by_rows(session, row.id)
    assert (seen.audience, seen.confirmed) == (len(PEOPLE) - 1, 0)


class TestManyAtOnce:
    """On committed data: nobody waits for another, and nothing is lost."""

    @pytest.fixture
    async def company(self, sessions: Sessions) -> Company:
        async with transaction(sessions) as session:
            return await found(session)

    @pytest.fixture
    async def told(self, sessions: Sessions, company: Company) -> Announcement:
        async with transaction(sessions) as session:
            row = await announcement(session, company.wang, people=PEOPLE)
            await everything_arrives(session)
            return row

    async def test_a_receipt_does_not_wait_for_one_that_is_not_committed(
        self, sessions: Sessions, company: Company, told: Announcement
    ) -> None:
        async def stores(session: AsyncSession, person: Person) -> None:
            [held] = (await queries.receipts_for_update(session, [(told.id, person.id)])).values()
            await queries.confirm_receipts(session, [(held.id, 1, False)], via="card", now=MONDAY_9AM)

        async with transaction(sessions) as first:
            await stores(first, company.li)
            async with transaction(sessions) as second:
                await second.execute(text("SET LOCAL lock_timeout = '1s'"))
                await stores(second, company.chen)
            async with transaction(sessions) as reader:
                assert (await queries.standing(reader, told.id)).confirmed == 1
        async with transaction(sessions) as reader:
            assert (await queries.standing(reader, told.id)).confirmed == 2

    async def test_one_that_is_undone_is_not_counted(
        self, sessions: Sessions, company: Company, told: Announcement
    ) -> None:
        async with sessions() as session:
            await confirm(session, told, company, "li", MONDAY_9AM)
            assert (await queries.standing(session, told.id)).confirmed == 1
            await session.rollback()
        async with transaction(sessions) as reader:
            assert await queries.standing(reader, told.id) == await by_rows(reader, told.id)
            assert (await by_rows(reader, told.id)).confirmed == 0

    async def test_all_at_once_all_count_and_the_rows_stay_few(
        self, sessions: Sessions, company: Company, told: Announcement
    ) -> None:
        async def confirms(userid: str) -> None:
            async with transaction(sessions) as session:
                await confirm(session, told, company, userid, MONDAY_9AM)

        await asyncio.gather(*(confirms(userid) for userid in PEOPLE for _ in range(4)))
        async with transaction(sessions) as reader:
            assert await queries.standing(reader, told.id) == await by_rows(reader, told.id)
            assert (await by_rows(reader, told.id)).confirmed == len(PEOPLE)
            kept = select(func.count()).where(col(ReceiptCount.announcement_id) == told.id)
            # One for each who came while others held theirs, and one for those whom no card had reached yet.
            assert (await reader.scalars(kept)).one() <= len(PEOPLE) + 1


class TestACardToMany:
    @pytest.fixture
    async def card(self, session: AsyncSession, company: Company) -> Message:
        await crowd(session, HEADQUARTERS, COUNTED_FROM)
        row = await announcement(session, company.zhao, departments=[HEADQUARTERS])
        return await session.get_one(Message, row.card_message_id)

    async def test_its_recipients_are_counted_as_they_move(self, session: AsyncSession, card: Message) -> None:
        random = Random(1)  # noqa: S311 -- a repeatable story
        ids = list(await session.scalars(select(col(Delivery.id))))
        for state in (DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.FAILED, DeliveryState.HELD):
            moved = update(Delivery).where(col(Delivery.id).in_(random.sample(ids, 300)))
            await session.execute(moved.values(state=state))
            seen = await delivery_queries.counts_of(session, card)
            assert seen == await cards_by_rows(session, card)
            assert sum(seen.values()) == card.audience
        assert all(seen.values())

    async def test_a_card_to_a_few_leaves_no_counts(self, session: AsyncSession, company: Company) -> None:
        row = await announcement(session, company.wang, people=PEOPLE)
        await everything_arrives(session)
        card = await session.get_one(Message, row.card_message_id)
        assert await delivery_queries.counts_of(session, card) == await cards_by_rows(session, card)
        assert not list(await session.scalars(select(DeliveryCount)))


async def test_an_upgrade_counts_what_is_there(sessions: Sessions, database: str) -> None:
    async with transaction(sessions) as session:
        company = await found(session)
        await crowd(session, HEADQUARTERS, COUNTED_FROM)
        row = await announcement(session, company.zhao, departments=[HEADQUARTERS])
        await everything_arrives(session)
        await confirm(session, row, company, "li", MONDAY_9AM)
        card_id = row.card_message_id

    await asyncio.to_thread(command.downgrade, migration_config(database), BEFORE)
    await asyncio.to_thread(migrate, database)

    async with transaction(sessions) as session:
        card: Any = await session.get_one(Message, card_id)
        seen = await queries.standing(session, row.id)
        assert seen == await by_rows(session, row.id)
        assert (seen.audience, seen.confirmed) == (card.audience, 1)
        assert await delivery_queries.counts_of(session, card) == await cards_by_rows(session, card)
        await confirm(session, row, company, "chen", MONDAY_9AM)
        assert (await queries.standing(session, row.id)).confirmed == 2
