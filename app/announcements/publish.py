"""Use case: an announcement is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import messages, queries, rules
from app.announcements.deadline import CHASE, DEADLINE
from app.announcements.errors import NobodyConcerned, UnknownAudience
from app.announcements.rules import Audience, about
from app.audit.actor import Actor, person_actor
from app.audit.service import record
from app.audit.why import About, Why
from app.calendar import service as calendars
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.jobs.timers import set_timer
from app.observability import current_correlation_id
from app.org import queries as org
from app.policy import service as policies
from app.policy.sections.announcements import AnnouncementClassRule
from app.policy.service import Policy
from models.announcements import Announcement, AnnouncementGroup
from models.audit import ObjectKind
from models.delivery import Message
from models.groups import Group
from models.ids import DepartmentId, PersonId
from models.org import Person


@dataclass(frozen=True)
class AudienceWanted:
    """Whom an announcement is for: group ids, WeCom department ids, userids."""

    groups: Sequence[UUID] = ()
    departments: Sequence[int] = ()
    people: Sequence[str] = ()

    def as_document(self) -> dict[str, list[str] | list[int]]:
        groups = [str(group_id) for group_id in self.groups]
        return {"groups": groups, "departments": list(self.departments), "people": list(self.people)}


async def publish(
    session: AsyncSession,
    *,
    title: str,
    body: str,
    message_class: str,
    author: Person,
    wanted: AudienceWanted,
    deadline: datetime | None,
    receipt: bool | None,
    actor: Actor,
    now: datetime,
) -> Announcement:
    """Freeze the audience and put everything that has to be said into the ledger, in one transaction.

    Policy 3.2, 3.6. The author confirms nothing: they wrote it. Raises what `errors.py` lists.
    """
    rules.check_author(author)
    policy = await policies.in_force(session, now=now)
    rule = rules.class_rule(policy.document, message_class)
    rules.check_length(rule, body)
    groups = await _groups(session, policy, wanted.groups, message_class, rule)
    audience = await _audience(session, wanted, author)
    announcement = Announcement(
        title=title,
        body=body,
        message_class=message_class,
        author_id=author.id,
        audience=wanted.as_document(),
        receipt_required=rules.wants_receipt(rule, receipt),
        policy_version_id=policy.id,
        rule_key="announcement.publish",
        correlation_id=current_correlation_id(),
        actor=str(actor),
        published_at=now,
        updated_at=now,
    )
    session.add(announcement)
    await session.flush()
    await _set_deadline(session, announcement, rule, policy, deadline, now)
    await queries.freeze_audience(session, announcement.id, audience.sources)
    await _say(session, announcement, rule, policy, author, groups, audience, now)
    await record(
        session,
        "announcement.published",
        about(announcement),
        Why(actor, "announcement.publish", policy.id),
        now=now,
        details={"audience": len(audience.sources), "class": message_class},
    )
    return announcement


async def _groups(
    session: AsyncSession, policy: Policy, group_ids: Sequence[UUID], message_class: str, rule: AnnouncementClassRule
) -> list[Group]:
    found = await queries.groups_by_id(session, group_ids)
    for group_id in group_ids:
        if group_id not in found:
            raise UnknownAudience(f"没有登记 id 为 {group_id} 的群")
        rules.check_group(policy.document, found[group_id], message_class, rule)
    return list(found.values())


async def _audience(session: AsyncSession, wanted: AudienceWanted, author: Person) -> Audience:
    audience = Audience()
    for group_id in wanted.groups:
        audience.add(await queries.members_wanted_in(session, group_id), f"{rules.GROUP}{group_id}")
    for number in wanted.departments:
        if await org.department(session, number) is None:
            raise UnknownAudience(f"没有 id 为 {number} 的部门")
        audience.add(await org.ids_in_departments(session, [DepartmentId(number)]), f"department:{number}")
    named = await org.people_by_userids(session, wanted.people)
    if missing := [userid for userid in wanted.people if userid.strip().lower() not in named]:
        raise UnknownAudience(f"没有账号为 {'、'.join(missing)} 的成员")
    audience.add((person.id for person in named.values()), "person")
    audience.without(author.id)
    if not audience.sources:
        raise NobodyConcerned("接收范围里除了发布人没有别人")
    return audience


async def _set_deadline(
    session: AsyncSession,
    announcement: Announcement,
    rule: AnnouncementClassRule,
    policy: Policy,
    wanted: datetime | None,
    now: datetime,
) -> None:
    """Policy 3.6: the announcement's own deadline, or its class's; and one chase before it."""
    if not announcement.receipt_required:
        return
    basis = None
    if wanted is not None:
        rules.check_deadline(wanted, now)
        announcement.deadline = wanted
    elif rule.default_deadline is not None:
        announcement.deadline, basis = await calendars.deadline(
            session, start=now, duration=rule.default_deadline, policy=policy
        )
    if announcement.deadline is None:
        return
    subject = str(announcement.id)
    await set_timer(session, DEADLINE, subject, announcement.deadline, basis=basis)
    if rule.chase_before is not None:
        chase_at, chase_basis = await calendars.reminder(
            session, due_at=announcement.deadline, before=rule.chase_before, policy=policy, due_basis=basis
        )
        if chase_at > now:
            await set_timer(session, CHASE, subject, chase_at, basis=chase_basis)


async def _say(
    session: AsyncSession,
    announcement: Announcement,
    rule: AnnouncementClassRule,
    policy: Policy,
    author: Person,
    groups: Sequence[Group],
    audience: Audience,
    now: datetime,
) -> None:
    """One text in each group; to each person a card where a receipt is wanted, and a text where that is not all."""
    people, in_groups = list(audience.sources), audience.in_groups
    zone = calendars.timezone_of(session)
    text = messages.group_text(announcement, class_title=rule.title, author=author.name, zone=zone)
    why = Why(person_actor(author.id), "announcement.publish", policy.id)
    for group in groups:
        header = MessageHeader(
            "announcement.group_text", About(ObjectKind.GROUP, group.id), why, announcement.message_class
        )
        call = await delivery.post_to_group(session, header, group=group, text=text, now=now)
        session.add(AnnouncementGroup(announcement_id=announcement.id, group_id=group.id, call_id=call.id))
    message = None
    if not (announcement.receipt_required and messages.fits_a_card(announcement)):
        # Who reads all of it in a group needs no copy beside the card.
        readers = [one for one in people if not (announcement.receipt_required and one in in_groups)]
        message = await _send_text(session, announcement, rule, policy, author, readers, now) if readers else None
    if announcement.receipt_required:
        message = await _send_card(session, announcement, rule, policy, author, people, now)
    announcement.card_message_id = message.id if message else None


async def _send_text(
    session: AsyncSession,
    announcement: Announcement,
    rule: AnnouncementClassRule,
    policy: Policy,
    author: Person,
    people: Sequence[UUID],
    now: datetime,
) -> Message:
    return await delivery.send_text(
        session,
        _header("announcement.text", announcement, policy, author),
        to=[PersonId(person_id) for person_id in people],
        text=messages.text(announcement, class_title=rule.title, author=author.name),
        now=now,
    )


async def _send_card(
    session: AsyncSession,
    announcement: Announcement,
    rule: AnnouncementClassRule,
    policy: Policy,
    author: Person,
    people: Sequence[UUID],
    now: datetime,
) -> Message:
    return await delivery.send_card(
        session,
        _header("announcement.card", announcement, policy, author),
        to=[PersonId(person_id) for person_id in people],
        card=messages.card(
            announcement,
            class_title=rule.title,
            author=author.name,
            citation=policy.cite("announcement.receipt"),
            zone=calendars.timezone_of(session),
        ),
        now=now,
    )


def _header(purpose: str, announcement: Announcement, policy: Policy, author: Person) -> MessageHeader:
    why = Why(person_actor(author.id), "announcement.publish", policy.id)
    return MessageHeader(purpose, about(announcement), why, announcement.message_class)
