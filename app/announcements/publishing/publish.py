"""Use case: an announcement is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.announcements import messages, queries, rules
from app.announcements.errors import NotTheirPeople, UnknownAudience
from app.announcements.publishing.audience import AudienceWanted, resolve
from app.announcements.receipt_deadline import set_receipt_deadline
from app.announcements.rules import AnnouncementPurpose, Audience, about
from app.audit.actor import Actor, person_actor
from app.audit.why import About, Why
from app.calendar import service as calendars
from app.delivery import queries as delivery_queries
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.events import service as events
from app.events.service import catalogue
from app.groups import queries as group_queries
from app.observability import current_correlation_id
from app.org import queries as org
from app.policy import service as policies
from app.policy.sections.announcements import AnnouncementClassRule
from app.policy.service import Policy
from app.quotes import quoted
from models.announcements import Announcement, AnnouncementGroup
from models.audit import ObjectKind
from models.delivery import Message
from models.groups import Group
from models.ids import APP, PersonId
from models.org import Person


@dataclass(frozen=True)
class Draft:
    """What somebody wants to publish."""

    title: str
    body: str
    message_class: str
    wanted: AudienceWanted
    deadline: datetime | None = None
    """For the receipt. Empty: what the policy says of the class."""
    receipt: bool | None = None
    """Empty: what the policy says of the class."""


@dataclass(frozen=True)
class Publication:
    """An announcement on its way out, with what everything that is said about it rests on."""

    announcement: Announcement
    rule: AnnouncementClassRule
    policy: Policy
    author: Person
    link: str | None
    """To its page, where there is a public address."""

    def header(self, purpose: AnnouncementPurpose, subject: About | None = None) -> MessageHeader:
        why = Why(person_actor(self.author.id), "announcement.publish", self.policy.id)
        return MessageHeader(purpose, subject or about(self.announcement), why, self.announcement.message_class)


@dataclass(frozen=True)
class Checked:
    """A draft that may be published, but for whom it concerns: what `publish` goes by, and what is shown before."""

    policy: Policy
    rule: AnnouncementClassRule
    groups: Sequence[Group]

    @property
    def asks_who_they_are(self) -> bool:
        """Whether the class decides by who is concerned, and not only by how many there are."""
        return self.rule.one_owner or self.rule.leaders_only


async def check(session: AsyncSession, draft: Draft, *, author: Person, now: datetime) -> Checked:
    """What `publish` asks before it looks who is concerned. Raises what it raises."""
    rules.check_author(author)
    policy = await policies.in_force(session, now=now)
    rule = rules.class_rule(policy.document, draft.message_class)
    rules.check_length(rule, draft.body, citation=policy.cite("announcement.length"))
    return Checked(policy, rule, await _groups(session, policy, draft.wanted.groups, draft.message_class, rule))


async def audience_of(session: AsyncSession, draft: Draft, checked: Checked, *, author: Person) -> Audience:
    """Whom a checked draft concerns, as far as its class allows. Raises what `publish` raises."""
    audience = await resolve(session, draft.wanted, author)
    if checked.rule.one_owner:
        rules.leave_one_owner(checked.rule, audience, checked.groups)
    if checked.rule.leaders_only:
        await _check_leads(session, checked.policy, checked.rule, author, audience)
    return audience


async def publish(session: AsyncSession, draft: Draft, *, author: Person, actor: Actor, now: datetime) -> Announcement:
    """Freeze the audience and put everything that has to be said into the ledger, in one transaction.

    Policy 3.2, 3.6. The author confirms nothing: they wrote it. Raises what `errors.py` lists.
    """
    checked = await check(session, draft, author=author, now=now)
    policy, rule, groups = checked.policy, checked.rule, checked.groups
    audience = await audience_of(session, draft, checked, author=author)
    announcement = Announcement(
        title=draft.title,
        body=draft.body,
        message_class=draft.message_class,
        author_id=author.id,
        audience=draft.wanted.model_dump(mode="json"),
        receipt_required=rules.wants_receipt(rule, draft.receipt),
        policy_version_id=policy.id,
        rule_key="announcement.publish",
        correlation_id=current_correlation_id(),
        actor=str(actor),
        published_at=now,
        updated_at=now,
    )
    session.add(announcement)
    await session.flush()
    await set_receipt_deadline(session, announcement, rule, policy, draft.deadline, now)
    await queries.freeze_audience(session, announcement.id, audience.sources)
    link = addresses.link(session, addresses.me_announcement(announcement.id))
    await _say(session, Publication(announcement, rule, policy, author, link), groups, audience, now)
    published = catalogue.AnnouncementPublished(
        announcement_id=announcement.id, audience=len(audience.sources), message_class=draft.message_class
    )
    why = Why(actor, "announcement.publish", policy.id)
    await events.publish(session, published, why, now=now)
    return announcement


async def _groups(
    session: AsyncSession, policy: Policy, group_ids: Sequence[UUID], message_class: str, rule: AnnouncementClassRule
) -> list[Group]:
    found = await group_queries.groups_by_id(session, group_ids)
    for group_id in group_ids:
        if group_id not in found:
            raise UnknownAudience(
                f"没有登记 id 为 {group_id} 的群", f"There is no registered group with the id {group_id}"
            )
        rules.check_group(policy, found[group_id], message_class, rule)
    return list(found.values())


async def _check_leads(
    session: AsyncSession, policy: Policy, rule: AnnouncementClassRule, author: Person, audience: Audience
) -> None:
    others = rules.outside(audience.sources, await org.people_led_by(session, author))
    if others:
        names = messages.names(await org.names_of(session, others))
        raise NotTheirPeople(
            f"{quoted(rule.title)}只能由负责人发给所辖人员（{policy.cite('announcement.receipt').label}），"
            f"而以下人员不归 {author.name} 管辖：{names}；请把他们移出接收范围，或者改用其他信息类别",
            f"{quoted(rule.title)} is for the people whom its author leads "
            f"({policy.cite('announcement.receipt').english}), "
            f"and {author.name} does not lead {names}: leave them out, or take another class",
        )


async def _say(
    session: AsyncSession, publication: Publication, groups: Sequence[Group], audience: Audience, now: datetime
) -> None:
    """One text in each group; to each person a card where a receipt is wanted, and a text where that is not all."""
    announcement = publication.announcement
    people, in_groups = list(audience.sources), audience.in_groups
    text = messages.group_text(
        announcement,
        class_title=publication.rule.title,
        author=publication.author.name,
        app_name=(await delivery_queries.app_named(session, APP)).name,
        zone=calendars.timezone_of(session),
        owner=messages.names(await org.names_of(session, people)) if publication.rule.one_owner else None,
    )
    for group in groups:
        header = publication.header(AnnouncementPurpose.GROUP_TEXT, About(ObjectKind.GROUP, group.id))
        call = await delivery.post_to_group(session, header, group=group, text=text, now=now)
        session.add(AnnouncementGroup(announcement_id=announcement.id, group_id=group.id, call_id=call.id))
    message = None
    if not (announcement.receipt_required and messages.fits_a_card(announcement)):
        # Who reads all of it in a group needs no copy beside the card.
        readers = [one for one in people if not (announcement.receipt_required and one in in_groups)]
        message = await _send_text(session, publication, readers, now) if readers else None
    if announcement.receipt_required:
        message = await _send_card(session, publication, people, now)
    announcement.card_message_id = message.id if message else None


async def _send_text(session: AsyncSession, publication: Publication, people: Sequence[UUID], now: datetime) -> Message:
    text = messages.text(
        publication.announcement,
        class_title=publication.rule.title,
        author=publication.author.name,
        link=publication.link,
    )
    to = [PersonId(person_id) for person_id in people]
    return await delivery.send_text(session, publication.header(AnnouncementPurpose.TEXT), to=to, text=text, now=now)


async def _send_card(session: AsyncSession, publication: Publication, people: Sequence[UUID], now: datetime) -> Message:
    card = messages.card(
        publication.announcement,
        class_title=publication.rule.title,
        author=publication.author.name,
        citation=publication.policy.cite("announcement.receipt"),
        zone=calendars.timezone_of(session),
    ).leading_to(publication.link)
    to = [PersonId(person_id) for person_id in people]
    return await delivery.send_card(session, publication.header(AnnouncementPurpose.CARD), to=to, card=card, now=now)
