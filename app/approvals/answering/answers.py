"""What somebody who writes to the app is told of requests (F170): their own, and one by its number."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.approvals.answering import messages
from app.approvals.kinds import kind_named
from app.approvals.queries import numbered
from app.approvals.shown.lists import lines_of, requests_mine
from app.approvals.sight import seen_by
from app.calendar import service as calendars
from app.conversation.service import Asked, Topic
from app.permissions import Sight
from app.web.pagination import PageQuery

SHOWN: Final = PageQuery(cursor=None, limit=8)
NOUNS: Final = ("申请", "request")


async def mine(session: AsyncSession, asked: Asked) -> str:
    page = await requests_mine(session, asked.person.id, page=SHOWN)
    link = addresses.link(session, addresses.ME_REQUESTS)
    return messages.own_requests(page.items, has_more=page.next_cursor is not None, link=link)


async def find(session: AsyncSession, asked: Asked) -> list[str]:
    """The request of this number: their own, about them, or one that they decide or have decided."""
    number = asked.number_of(*NOUNS)
    if number is None:
        return []
    rows = await numbered(session, number, seen_by(Sight(person_id=asked.person.id)))
    zone = calendars.timezone_of(session)
    return [
        messages.standing(
            line,
            is_applied_for=kind_named(session, line.kind).is_applied_for,
            zone=zone,
            link=addresses.link(session, addresses.me_request(line.id)),
        )
        for line in await lines_of(session, rows)
    ]


ANSWERS: Final = {
    "requests": Topic(
        (messages.OWN_REQUESTS, "申请", "my requests", "requests"),
        messages.OWN_REQUESTS_HELP,
        nouns=NOUNS,
        says=mine,
        finds=find,
    )
}
