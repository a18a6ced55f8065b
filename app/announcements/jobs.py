"""Background entry points: the card has arrived, the click on 收到, the chase, the deadline, the escalation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import messages, service
from app.announcements.rules import AnnouncementPurpose
from app.announcements.schemas import Announcing
from app.audit.actor import person_actor
from app.cards.service import CardAbsorb, CardAction, Click, ClickedCard
from app.dual_control import TwoPersonAct, TwoPersonHandler
from app.jobs.job import TimerHandler
from app.ladders.service import Speaker
from app.ledger.service import OutcomeHandler
from app.permissions import Permission, Sight, Words
from models.ids import AnnouncementId
from models.org import Person


async def confirm_by_card(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    await service.confirm(
        session,
        announcement_id=AnnouncementId(UUID(argument)),
        person=clicked.person,
        via=service.BY_CARD,
        now=now,
        clicked=clicked,
    )


async def confirm_by_cards(session: AsyncSession, clicks: Sequence[Click], now: datetime) -> set[int]:
    return await service.confirm_many(session, clicks=clicks, now=now)


async def chase(session: AsyncSession, subject: str, now: datetime) -> None:
    await service.chase(session, announcement_id=AnnouncementId(UUID(subject)), now=now)


async def close(session: AsyncSession, subject: str, now: datetime) -> None:
    await service.close(session, announcement_id=AnnouncementId(UUID(subject)), now=now)


async def escalate(session: AsyncSession, subject: str, now: datetime) -> None:
    await service.escalate(session, announcement_id=service.announcement_of(subject), now=now)


async def describe_to_everybody(
    session: AsyncSession, payload: Announcing, *, asker: Person, now: datetime
) -> list[tuple[str, str]]:
    """What somebody reads who confirms that it goes to everybody (F197)."""
    draft = payload.draft()
    ahead = await service.look_ahead(session, draft, Sight(everything=True), author=asker, now=now)
    audience = await service.name_audience(session, draft.wanted)
    return [
        ("标题", draft.title),
        ("类别", ahead.class_title),
        ("接收范围", audience),
        ("接收人", f"{ahead.people} 人"),
        ("请其确认", f"是，期限为{ahead.receipt_until}" if ahead.asks_for_receipt else "否"),
        ("正文", draft.body),
        ("其中", "、".join(one.name for one in ahead.sample)),
        *([("发到群", "、".join(ahead.groups))] if ahead.groups else []),
    ]


async def publish_to_everybody(session: AsyncSession, payload: Announcing, *, asker: Person, now: datetime) -> str:
    announcement = await service.publish(session, payload.draft(), author=asker, actor=person_actor(asker.id), now=now)
    return str(announcement.id)


TWO_PERSON_ACTS: dict[str, TwoPersonHandler] = {
    TwoPersonAct.ANNOUNCE_TO_EVERYBODY: TwoPersonHandler(
        title=Words("向全体发布通知", "announce to everybody"),
        permission=Permission.ANNOUNCEMENT_PUBLISH,
        payload=Announcing,
        describe=describe_to_everybody,
        carry_out=publish_to_everybody,
    )
}
CARD_ABSORBERS: dict[str, CardAbsorb] = {messages.CONFIRM: confirm_by_cards}
CARD_ACTIONS: dict[str, CardAction] = {messages.CONFIRM: confirm_by_card}
OUTCOMES: dict[str, OutcomeHandler] = {AnnouncementPurpose.CARD: service.start_clocks}
RUNGS: dict[str, Speaker] = {
    AnnouncementPurpose.CHASE: service.chase_words,
    AnnouncementPurpose.ESCALATION: service.escalation_words,
    AnnouncementPurpose.FINAL_LIST: service.list_words,
}
TIMERS: dict[str, TimerHandler] = {service.CHASE: chase, service.DEADLINE: close, service.ESCALATE: escalate}
