"""What an announcement would do before it does it: to how many people, who they are, and where it would be posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements.errors import OutOfReach
from app.announcements.publishing.audience import AudienceSize, AudienceWanted, measure_audience
from app.announcements.publishing.publish import Checked, Draft, audience_of, check
from app.announcements.rules import check_deadline, wants_receipt
from app.calendar import service as calendars
from app.groups.service import seen_by as groups_seen_by
from app.org import queries as org
from app.org import service as people
from app.org.service import NamedPerson
from app.permissions import Sight
from app.policy.sections.announcements import AnnouncementClassRule
from models.groups import Group
from models.ids import fold
from models.org import Person

_NAMED = 12


@dataclass(frozen=True)
class PublicationAhead:
    """What the button brings about."""

    people: int
    sample: Sequence[NamedPerson]
    """Some of them, so that a wrong audience is noticed."""
    groups: Sequence[str]
    """Names of the groups in which it would be posted."""
    class_title: str
    asks_for_receipt: bool
    receipt_until: str = ""
    """Until when who is asked confirms: a moment, or a time from the publication on."""
    receipt_until_english: str = ""


async def look_ahead(
    session: AsyncSession, draft: Draft, sight: Sight, *, author: Person, now: datetime
) -> PublicationAhead:
    """Nothing is written. Raises what publishing would raise, and `OutOfReach`."""
    await check_reach(session, sight, draft.wanted)
    checked = await check(session, draft, author=author, now=now)
    size = await _size(session, draft, checked, author)
    asks, (until, english) = wants_receipt(checked.rule, draft.receipt), _until(session, draft, checked.rule, now)
    named = await people.named_people(session, size.first)
    return PublicationAhead(
        people=size.people,
        sample=sorted(named.values(), key=people.by_name),
        groups=[group.observed_name or group.desired_name for group in checked.groups],
        class_title=checked.rule.title,
        asks_for_receipt=asks,
        receipt_until=until if asks else "",
        receipt_until_english=english if asks else "",
    )


def _until(session: AsyncSession, draft: Draft, rule: AnnouncementClassRule, now: datetime) -> tuple[str, str]:
    """In both languages. Raises what is refused."""
    if draft.deadline is not None and draft.receipt is not False:
        check_deadline(draft.deadline, now)
        moment = f"{draft.deadline.astimezone(calendars.timezone_of(session)):%Y-%m-%d %H:%M}"
        return moment, moment
    after = rule.default_deadline
    return (f"发布后 {after.chinese}", f"{after.english} after the publication") if after is not None else ("", "")


async def _size(session: AsyncSession, draft: Draft, checked: Checked, author: Person) -> AudienceSize:
    if not checked.asks_who_they_are:
        return await measure_audience(session, draft.wanted, author, first=_NAMED)
    ids = list((await audience_of(session, draft, checked, author=author)).sources)
    return AudienceSize(len(ids), ids[:_NAMED])


async def check_reach(session: AsyncSession, sight: Sight, wanted: AudienceWanted) -> None:
    """Whether the permission to publish goes as far as the audience (D21). Raises `OutOfReach`."""
    if sight.everything:
        return
    outside = [str(one) for one in wanted.departments if one not in sight.departments]
    within = select(col(Group.id)).where(col(Group.id).in_(wanted.groups), groups_seen_by(sight))
    found_groups = set(await session.scalars(within))
    outside += [str(one) for one in wanted.groups if one not in found_groups]
    found = await org.people_by_userids(session, wanted.people)
    reached = (
        select(func.count())
        .select_from(Person)
        .where(col(Person.id).in_([one.id for one in found.values()]), people.seen_by(sight))
    )
    are_all_reached = len({fold(one) for one in wanted.people}) == (await session.scalars(reached)).one()
    if outside or not are_all_reached:
        raise OutOfReach(
            "接收范围超出了您可以发布的范围：部门负责人发给所辖部门，群管理员发给所管的群",
            "The audience is larger than you may reach: heads write to departments, administrators to groups of theirs",
        )
