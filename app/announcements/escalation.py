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
from app.announcements.final_list import lists_said_now
from app.announcements.rules import AnnouncementPurpose, about
from app.audit.actor import SYSTEM
from app.audit.why import Why
from app.calendar import service as calendars
from app.delivery.service import MessageHeader
from app.events.service import Happening, catalogue, publish_many
from app.jobs.timers import bring_forward, set_timer
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

AT_ONCE = 2000
"""How many receipts are marked in one transaction; the others follow with the next look. Nobody who confirms waits long
for whoever holds them.
"""

Late = tuple[Person, Receipt]


def announcement_of(subject: str) -> AnnouncementId:
    return AnnouncementId(UUID(subject.partition(":")[0]))


def another_look(announcement: Announcement) -> str:
    """The subject of a timer of its own: whoever holds the announcement must not wait for a timer that fires now."""
    return f"{announcement.id}:{new_id()}"


async def escalate(session: AsyncSession, *, announcement_id: AnnouncementId, now: datetime) -> None:
    """Reach the superiors of everybody whose time is up. Whoever has none above them is entered as such."""
    # The common timer comes before the announcement (`receipt_deadline`), also for whoever looks again by a timer of
    # its own; and a card that has just reached somebody may have set it for an earlier moment.
    following = await queries.next_escalation(session, announcement_id, after=now)
    if following is not None:
        await bring_forward(session, ESCALATE, str(announcement_id), following)
    announcement = await queries.announcement_for_update(session, announcement_id)
    if announcement is None:
        return
    late = await _with_people(session, await queries.to_escalate(session, announcement_id, now=now))
    above = await roles.superiors_of(session, [person for person, _ in late])
    superiors = [one.id for person, _ in late for one in above[person.id]]
    await ladders.reach(session, AnnouncementPurpose.ESCALATION, about(announcement), superiors, now=now)
    if at_the_top := [person_id for person_id, people in above.items() if not people]:
        theirs = await queries.to_escalate_for_update(session, announcement_id, at_the_top[:AT_ONCE], now=now)
        await _enter(session, announcement, await _with_people(session, theirs), {}, now=now)
    if len(at_the_top) > AT_ONCE:
        await set_timer(session, ESCALATE, another_look(announcement), now + LOOK_AGAIN)


async def escalation_words(session: AsyncSession, rung: DueRung, *, at_once: int = AT_ONCE) -> list[Words]:
    """For each superior the names of their own people who have not confirmed by now; the same names, one message."""
    announcement = await queries.announcement_for_update(session, announcement_of(rung.about))
    if announcement is None:
        return []
    waiting = await _with_people(session, await queries.to_escalate(session, announcement.id, now=rung.now))
    above = await roles.superiors_of(session, [person for person, _ in waiting])
    reached = {*rung.people}
    hearers = {key: heard for key, people in above.items() if (heard := {one.id for one in people} & reached)}
    told = _told_together(hearers, at_once)
    # Last, and these alone: a click on 收到 waits for whoever holds the receipt.
    held = await queries.to_escalate_for_update(session, announcement.id, list(told), now=rung.now)
    named = await _with_people(session, held)
    if len(named) < len(waiting):
        await set_timer(session, ESCALATE, another_look(announcement), rung.now + LOOK_AGAIN)
    await _enter(session, announcement, named, told, now=rung.now)
    return await _words(session, announcement, named, told, rung)


def _told_together(hearers: Mapping[UUID, set[UUID]], at_once: int) -> dict[UUID, set[UUID]]:
    """As many as are told in one transaction, those together who have the same superiors: each superior hears all names
    in one message, unless one alone has more than that.
    """
    together: dict[frozenset[UUID], list[UUID]] = {}
    for person_id, heard in hearers.items():
        together.setdefault(frozenset(heard), []).append(person_id)
    told: dict[UUID, set[UUID]] = {}
    for people in together.values():
        if told and len(told) + len(people) > at_once:
            break
        told |= {person_id: hearers[person_id] for person_id in people[:at_once]}
    return told


async def _words(
    session: AsyncSession,
    announcement: Announcement,
    named: Sequence[Late],
    told: Mapping[UUID, set[UUID]],
    rung: DueRung,
) -> list[Words]:
    lists = await lists_said_now(session, announcement, now=rung.now)
    places_of: dict[UUID, list[int]] = {}
    for place, (person, receipt) in enumerate(named):
        in_a_list = any(one.names(receipt.due_at) for one in lists)
        for superior in told[person.id] - ({announcement.author_id} if in_a_list else set()):
            places_of.setdefault(superior, []).append(place)
    by_names: dict[tuple[int, ...], list[UUID]] = {}
    for superior in rung.people:
        if superior in places_of:
            by_names.setdefault(tuple(places_of[superior]), []).append(superior)
    policy, zone = await policies.in_force(session, now=rung.now), calendars.timezone_of(session)
    why, citation = Why(SYSTEM, "announcement.receipt", policy.id), policy.cite("announcement.receipt")
    header = MessageHeader(AnnouncementPurpose.ESCALATION, about(announcement), why, MessageClass.NOTICE)
    said: list[Words] = []
    for places, superiors in by_names.items():
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
