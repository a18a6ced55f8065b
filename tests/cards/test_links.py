"""F117: cards lead to their page, and so does the text that goes instead of a card."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.announcements import service as announcements
from app.wecom.message_bodies.card import Card, card_as_text
from models.ids import AnnouncementId
from tests.builders.announcements import announcement
from tests.builders.approvals import (
    Library,
    borrowing,
    cards_to,
    decide,
    everything_arrives,
    faces_of,
    step,
    texts_to,
)
from tests.builders.tasks import everything_delivered, say, task
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

PUBLIC = "https://steward.example.com"


@pytest.fixture
def public(session: AsyncSession) -> str:
    session.info[addresses.SESSION_KEY] = PUBLIC
    return PUBLIC


def opens(url: str) -> dict[str, object]:
    return {"type": 1, "url": url}


class TestARequest:
    """messaging §1.4: `card_action` of type 1 opens a page; a button card may have one."""

    async def test_its_card_leads_to_it_before_and_after_the_decision(
        self, session: AsyncSession, company: Company, public: str
    ) -> None:
        library = Library([step("部门负责人", "department_head")])
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)
        await decide(session, library, request, company.wang)

        page = opens(f"{public}/me/requests/{request.id}")
        assert [card["card_action"] for card in await cards_to(session, company.wang)] == [page]
        assert [face["card_action"] for face in await faces_of(session, company.wang)] == [page]

    async def test_what_the_applicant_reads_ends_with_its_address(
        self, session: AsyncSession, company: Company, public: str
    ) -> None:
        request = await borrowing(session, Library([step("部门负责人", "department_head")]), company.li)
        [text] = await texts_to(session, company.li)
        assert text.endswith(f'\n<a href="{public}/me/requests/{request.id}">查看详情</a>')


class TestAnAnnouncement:
    async def test_its_card_leads_to_it_before_and_after_the_receipt(
        self, session: AsyncSession, company: Company, public: str
    ) -> None:
        row = await announcement(session, company.wang, people=["li"])
        await everything_delivered(session)
        number, later = AnnouncementId(row.id), MONDAY_9AM + timedelta(minutes=5)
        await announcements.confirm(session, announcement_id=number, person=company.li, via="rest", now=later)

        page = opens(f"{public}/me/announcements/{row.id}")
        assert [card["card_action"] for card in await cards_to(session, company.li)] == [page]
        assert [face["card_action"] for face in await faces_of(session, company.li)] == [page]

    async def test_without_a_receipt_the_text_says_where_it_stands(
        self, session: AsyncSession, company: Company, public: str
    ) -> None:
        row = await announcement(session, company.wang, people=["li"], receipt=False)
        [text] = await texts_to(session, company.li)
        assert text.endswith(f'\n<a href="{public}/me/announcements/{row.id}">查看详情</a>')


class TestATask:
    async def test_its_card_leads_to_it_before_and_after_a_report(
        self, session: AsyncSession, company: Company, public: str
    ) -> None:
        row = await task(session, company.wang, company.li)
        await everything_delivered(session)
        await say(session, company.li, "accept", row)

        page = opens(f"{public}/me/tasks/{row.id}")
        assert [card["card_action"] for card in await cards_to(session, company.li)] == [page]
        assert [face["card_action"] for face in await faces_of(session, company.li)] == [page]


class TestWithoutAPublicAddress:
    """PUBLIC_URL is not set: nobody is sent to a page that no phone reaches."""

    async def test_a_card_has_its_buttons_alone(self, session: AsyncSession, company: Company) -> None:
        await borrowing(session, Library([step("部门负责人", "department_head")]), company.li)
        [card] = await cards_to(session, company.wang)
        assert card["button_list"]
        assert "card_action" not in card

    async def test_a_text_has_no_address(self, session: AsyncSession, company: Company) -> None:
        await borrowing(session, Library([step("部门负责人", "department_head")]), company.li)
        assert "<a" not in (await texts_to(session, company.li))[0]


class TestTheTextInsteadOfACard:
    """D7: who has no card that can change is told in a text."""

    def test_ends_with_the_page_of_the_card(self) -> None:
        face = Card("入群申请", outcome="已同意", url=f"{PUBLIC}/me/requests/7").to_update()
        assert card_as_text(face) == f'【已同意】入群申请\n<a href="{PUBLIC}/me/requests/7">查看详情</a>'
