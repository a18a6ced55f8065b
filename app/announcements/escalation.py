"""Policy 3.6: who has still not confirmed is brought before their superior, once.

The timer says which superiors are reached, and the words name those who have not confirmed by then. A receipt is marked
in the transaction that says so: what is not marked is found again, whatever was killed between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import messages, queries
from app.announcements.rules import AnnouncementPurpose, about
from app.audit.actor import SYSTEM
from app.audit.why import Why
from app.calendar import service as calendars
from app.delivery.service import MessageHeader
from app.events.service import Happening, catalogue, publish_many
from app.jobs.timers import set_timer
from app.ladders import service as ladders
from app.ladders.service import DueRung, Words
from app.observability import get_logger
from app.org import queries as org
from app.org.rules import is_gone
from app.policy import service as policies
from app.roles import service as roles
from models.announcements import Announcement, Receipt
from models.delivery import MessageClass
from models.ids import AnnouncementId, new_id
from models.org import Person

log = get_logger()

ESCALATE = "announcement.escalate"
LOOK_AGAIN = timedelta(minutes=1)
"""When to look again at who was just confirming, or whose superior has changed since the timer fired."""

Late = tuple[Person, Receipt]


def announcement_of(subject: str) -> AnnouncementId:
    return AnnouncementId(UUID(subject.partition(":")[0]))


def another_look(announcement: Announcement) -> str:
    """The subject of a timer of its own: whoever holds the announcement must not wait for a timer that fires now."""
    return f"{announcement.id}:{new_id()}"


async def escalate(session: AsyncSession, *, announcement_id: AnnouncementId, now: datetime) -> None:
    """Reach the superiors of everybody whose time is up. Whoever has none above them is entered as such."""
    announcement = await queries.announcement_for_update(session, announcement_id)
    if announcement is None:
        return
    late = await _with_people(session, await queries.to_escalate(session, announcement_id, now=now))
    above = await roles.superiors_of(session, [person for person, _ in late])
    superiors = [one.id for person, _ in late for one in above[person.id]]
    await ladders.reach(session, AnnouncementPurpose.ESCALATION, about(announcement), superiors, now=now)
    if not all(above.values()):
        held = await _with_people(session, await queries.to_escalate_for_update(session, announcement_id, now=now))
        at_the_top = [(person, receipt) for person, receipt in held if not above.get(person.id, [person])]
        await _enter(session, announcement, at_the_top, {}, now=now)
    following = await queries.next_escalation(session, announcement_id, after=now)
    if following is not None:
        await set_timer(session, ESCALATE, str(announcement_id), following)


async def escalation_words(session: AsyncSession, rung: DueRung) -> list[Words]:
    """For each superior the names of their own people who have not confirmed by now; the same names, one message."""
    announcement = await queries.announcement_for_update(session, announcement_of(rung.about))
    if announcement is None:
        return []
    waiting = await _with_people(session, await queries.to_escalate(session, announcement.id, now=rung.now))
    held = await _with_people(session, await queries.to_escalate_for_update(session, announcement.id, now=rung.now))
    above = await roles.superiors_of(session, [person for person, _ in held])
    told = {key: hearers for key, people in above.items() if (hearers := {one.id for one in people} & {*rung.people})}
    named = [(person, receipt) for person, receipt in held if person.id in told]
    if len(named) < len(waiting):
        await set_timer(session, ESCALATE, another_look(announcement), rung.now + LOOK_AGAIN)
    await _enter(session, announcement, named, told, now=rung.now)
    return await _words(session, announcement, named, told, rung)


async def _words(
    session: AsyncSession,
    announcement: Announcement,
    named: Sequence[Late],
    told: Mapping[UUID, set[UUID]],
    rung: DueRung,
) -> list[Words]:
    by_names: dict[tuple[int, ...], list[UUID]] = {}
    for superior in rung.people:
        places = tuple(place for place, (person, _) in enumerate(named) if superior in told[person.id])
        by_names.setdefault(places, []).append(superior)
    policy, zone = await policies.in_force(session, now=rung.now), calendars.timezone_of(session)
    why, citation = Why(SYSTEM, "announcement.receipt", policy.id), policy.cite("announcement.receipt")
    header = MessageHeader(AnnouncementPurpose.ESCALATION, about(announcement), why, MessageClass.NOTICE)
    said: list[Words] = []
    for places, superiors in by_names.items():
        if places:
            late: dict[str, list[str]] = {}
            for person, receipt in (named[place] for place in places):
                late.setdefault(messages.local(receipt.due_at, zone), []).append(person.name)
            text = messages.escalated(announcement, late, citation=citation)
            line = messages.escalated_in_short(announcement, late, citation=citation)
            said.append(Words(header, superiors, text=text, line=line))
    return said


async def _with_people(session: AsyncSession, receipts: Sequence[Receipt]) -> list[Late]:
    """Those who have left the company owe nobody an answer."""
    people = await org.people_by_id(session, [receipt.person_id for receipt in receipts])
    found = [(people[receipt.person_id], receipt) for receipt in receipts]
    return [(person, receipt) for person, receipt in found if not is_gone(person)]


async def _enter(
    session: AsyncSession,
    announcement: Announcement,
    late: Sequence[Late],
    told: Mapping[UUID, set[UUID]],
    *,
    now: datetime,
) -> None:
    """Mark them, and say so."""
    if not late:
        return
    for _, receipt in late:
        receipt.escalated_at = now
    announcement.updated_at = now
    why = Why(SYSTEM, "announcement.receipt", announcement.policy_version_id)
    happened = [
        Happening(
            catalogue.ReceiptEscalated(
                announcement_id=announcement.id, person_id=person.id, told=len(told.get(person.id, ()))
            ),
            why,
            announcement.correlation_id,
            {"people": sorted(str(one) for one in told.get(person.id, ()))},
        )
        for person, _ in late
    ]
    await publish_many(session, happened, now=now)
    log.info("receipts.escalated", announcement_id=str(announcement.id), people=len(late))
