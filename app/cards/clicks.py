"""One click on a card, with everything it names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.cards import queries
from app.cards.errors import ClickerUnknown
from app.ledger import queries as ledger
from app.ledger.service import CODE_LIFE
from app.observability import get_logger
from app.org import queries as org
from models.delivery import CardClick, Message, OutgoingCall
from models.ids import fold
from models.org import Person

log = get_logger()


class Click(NamedTuple):
    """A click as the platform tells it. A tuple, as are its companions: thousands are made at once."""

    event_id: int
    app_id: str
    task_id: str
    userid: str
    event_key: str
    response_code: str
    correlation_id: str = ""

    @property
    def argument(self) -> str:
        """The part of the key behind the colon."""
        return self.event_key.partition(":")[2]

    @property
    def subject(self) -> tuple[str, str]:
        """One person's clicks on one card are handled in their order."""
        return self.task_id, fold(self.userid)


@dataclass(frozen=True)
class ClickedCard:
    """A click with everything it names."""

    click: CardClick
    call: OutgoingCall
    message: Message
    person: Person


CardAction = Callable[[AsyncSession, ClickedCard, str, datetime], Awaitable[None]]
"""What a button does: `(session, clicked, argument, now)`, in the transaction that absorbs the click. The argument is
the part of the button's key behind the colon. Domains export theirs as `CARD_ACTIONS`, by the part before it."""


async def record_click(session: AsyncSession, click: Click, *, now: datetime) -> ClickedCard | None:
    """Store a click and its code; the same event finds its click again. None for a card unknown here.

    Raises `ClickerUnknown` while nobody has this userid, so that the event is tried again.
    """
    call = await queries.call_of_card(session, app_id=click.app_id, task_id=click.task_id)
    person = await org.person_by_userid(session, click.userid)
    message = await ledger.get_message(session, call.message_id) if call and call.message_id else None
    if call is None or message is None:
        log.warning("card.click_unknown", task_id=click.task_id, event_id=click.event_id)
        return None
    if person is None:
        # The card was sent to somebody: a new userid that the sync has not brought yet. The click must not be lost.
        raise ClickerUnknown(
            "点击卡片的人还不在通讯录里，等待同步后重试",
            "Whoever clicked the card is not known yet; it is tried again after a sync",
        )
    row = CardClick(
        event_id=click.event_id,
        call_id=call.id,
        person_id=person.id,
        event_key=click.event_key,
        response_code=click.response_code,
        received_at=now,
        expires_at=now + CODE_LIFE,
    )
    return ClickedCard(await queries.store_click(session, row), call, message, person)
