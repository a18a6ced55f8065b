"""Announcements for tests, and what came of them in the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements import service
from app.announcements.rules import AnnouncementPurpose
from app.announcements.service import AudienceWanted, Draft
from app.audit.actor import person_actor
from models.announcements import Announcement, Receipt
from models.audit import AuditEntry
from models.delivery import CallKind, CallState, Delivery, DeliveryState, Message, OutgoingCall
from models.groups import Group
from models.org import Person, PersonUserid
from models.policy import Timer
from tests.fakes.clock import MONDAY_9AM


async def announcement(
    session: AsyncSession,
    author: Person,
    *,
    message_class: str = "work",
    title: str = "周五前完成验收",
    body: str = "请各负责人按验收单逐项确认。",
    groups: Sequence[UUID] = (),
    departments: Sequence[int] = (),
    people: Sequence[str] = (),
    deadline: datetime | None = None,
    receipt: bool | None = None,
    now: datetime = MONDAY_9AM,
) -> Announcement:
    wanted = AudienceWanted(groups=groups, departments=departments, people=people)
    draft = Draft(title, body, message_class, wanted, deadline, receipt)
    return await service.publish(session, draft, author=author, actor=person_actor(author.id), now=now)


async def receipts_by_userid(session: AsyncSession, row: Announcement) -> dict[str, Receipt]:
    """Who is concerned, by userid, as the database has it."""
    statement = (
        select(col(PersonUserid.userid), Receipt)
        .join(Receipt, col(Receipt.person_id) == col(PersonUserid.person_id))
        .where(col(Receipt.announcement_id) == row.id)
        .execution_options(populate_existing=True)
    )
    return {row.userid: row.Receipt for row in await session.execute(statement)}


async def group_posts(session: AsyncSession, group: Group) -> list[dict[str, Any]]:
    """Bodies of what is said in the group, in order."""
    statement = (
        select(OutgoingCall)
        .where(col(OutgoingCall.kind) == CallKind.APPCHAT_SEND, col(OutgoingCall.subject_id) == str(group.id))
        .order_by(col(OutgoingCall.id))
    )
    return [json.loads(call.request_body) for call in await session.scalars(statement)]


async def messages_about(session: AsyncSession, origin_id: UUID) -> list[Message]:
    statement = select(Message).where(col(Message.origin_id) == str(origin_id)).order_by(col(Message.number))
    return list(await session.scalars(statement))


async def calls_of_kind(session: AsyncSession, kind: CallKind) -> list[OutgoingCall]:
    statement = select(OutgoingCall).where(col(OutgoingCall.kind) == kind).order_by(col(OutgoingCall.id))
    return list(await session.scalars(statement))


async def timers_of(session: AsyncSession, subject: UUID) -> Mapping[str, Timer]:
    """The timers of an announcement or a task: by kind, with the rung (`task.remind:0`) where there are several."""
    statement = (
        select(Timer).where(col(Timer.subject).startswith(str(subject))).execution_options(populate_existing=True)
    )
    rows = await session.scalars(statement)
    return {f"{row.kind}{row.subject.removeprefix(str(subject))}": row for row in rows}


async def audit_of(session: AsyncSession, object_id: UUID) -> list[AuditEntry]:
    statement = select(AuditEntry).where(col(AuditEntry.object_id) == str(object_id)).order_by(col(AuditEntry.id))
    return list(await session.scalars(statement))


async def clocks_start(session: AsyncSession, calls: Sequence[OutgoingCall], *, now: datetime = MONDAY_9AM) -> None:
    """These cards of announcements have reached people, and the announcements hear of it."""
    for call in calls:
        if call.purpose == AnnouncementPurpose.CARD:
            its = update(Delivery).where(col(Delivery.call_id) == call.id)
            await session.execute(its.values(state=DeliveryState.SENT, reason=""))
            await service.start_clocks(session, call, now)


async def card_reaches(session: AsyncSession, row: Announcement, *people: Person, now: datetime = MONDAY_9AM) -> None:
    """The card reaches these people, by a call of their own, and nobody else of its audience."""
    statement = (
        select(Delivery)
        .where(col(Delivery.message_id) == row.card_message_id)
        .where(col(Delivery.person_id).in_([one.id for one in people]))
    )
    deliveries = list(await session.scalars(statement))
    call = await session.get_one(OutgoingCall, deliveries[0].call_id)
    its = {name: getattr(call, name) for name in OutgoingCall.model_fields if name not in {"id", "task_id"}}
    own = OutgoingCall(**its | {"state": CallState.DONE, "previous_id": call.id, "sent_at": now})
    session.add(own)
    await session.flush()
    for delivery in deliveries:
        delivery.call_id, delivery.state, delivery.reason = own.id, DeliveryState.SENT, ""
    await session.flush()
    await service.start_clocks(session, own, now)
