"""REST for announcements: publish, list, look, who has confirmed, confirm."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements import queries, service
from app.announcements.schemas import (
    AnnouncementOut,
    AnnouncementSummary,
    NewAnnouncement,
    NewReceipt,
    ReceiptOut,
    StandingOut,
)
from app.announcements.service import AudienceWanted, Draft
from app.delivery import service as delivery
from app.org import queries as org
from app.org.errors import PersonUnknown
from app.policy import service as policies
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from models.announcements import Announcement, Receipt
from models.ids import AnnouncementId, PolicyVersionId
from models.org import Person

router = APIRouter(prefix="/announcements", tags=["announcements"], route_class=IdempotentRoute)

READ = [Depends(require("announcements:read"))]
WRITE = [Depends(require("announcements:write"))]


@router.post("", status_code=201, dependencies=WRITE, responses=problems(400, 404, 409))
async def publish_announcement(
    body: NewAnnouncement, session: SessionDep, caller: CallerDep, now: NowDep
) -> AnnouncementOut:
    """Publish to groups, departments and people. The audience is frozen now; cards and group texts go at once."""
    wanted = AudienceWanted(**dict(body.audience))
    draft = Draft(body.title, body.body, body.message_class, wanted, body.deadline, body.receipt)
    author = await _person(session, body.author)
    announcement = await service.publish(session, draft, author=author, actor=caller.actor, now=now)
    return await _shown(session, announcement)


@router.get("", dependencies=READ, responses=problems(400, 404))
async def list_announcements(
    session: SessionDep,
    page: PageDep,
    author: Annotated[str | None, Query(description="userid")] = None,
    updated_since: AwareDatetime | None = None,
) -> Page[AnnouncementSummary]:
    """Announcements, the latest change first."""
    author_id = (await _person(session, author)).id if author else None
    statement = queries.published(author_id=author_id, updated_since=updated_since)
    columns = (col(Announcement.updated_at), col(Announcement.id))
    rows, next_cursor = await paginate(session, statement, *columns, page=page)
    userids = await org.last_userids_of(session, {row.author_id for row in rows})
    items = [AnnouncementSummary.of(row, userids.get(row.author_id, "")) for row in rows]
    return Page(items=items, next_cursor=next_cursor)


@router.get("/{announcement_id}", dependencies=READ, responses=problems(404))
async def get_announcement(announcement_id: UUID, session: SessionDep) -> AnnouncementOut:
    """One announcement, how many have confirmed, and whether the cards arrived."""
    return await _shown(session, await queries.announcement(session, AnnouncementId(announcement_id)))


@router.get("/{announcement_id}/receipts", dependencies=READ, responses=problems(400, 404))
async def list_receipts(
    announcement_id: UUID,
    session: SessionDep,
    page: PageDep,
    confirmed: Annotated[bool | None, Query(description="Only those who have, or have not")] = None,
) -> Page[ReceiptOut]:
    """Who is concerned, who has confirmed and who has not."""
    announcement = await queries.announcement(session, AnnouncementId(announcement_id))
    statement = queries.receipts(announcement_id, confirmed=confirmed)
    rows, next_cursor = await paginate(session, statement, col(Receipt.id), page=page, descending=False)
    people = [row.person_id for row in rows]
    userids = await org.last_userids_of(session, people)
    cards = (
        await queries.deliveries_of(session, announcement.card_message_id, people)
        if announcement.card_message_id
        else {}
    )
    items = [ReceiptOut.of(row, userids.get(row.person_id, ""), cards.get(row.person_id)) for row in rows]
    return Page(items=items, next_cursor=next_cursor)


@router.post("/{announcement_id}/receipts", status_code=201, dependencies=WRITE, responses=problems(400, 403, 404))
async def confirm_announcement(announcement_id: UUID, body: NewReceipt, session: SessionDep, now: NowDep) -> ReceiptOut:
    """Confirm in a person's name. A repeat changes nothing."""
    person = await _person(session, body.person)
    receipt = await service.confirm(
        session, announcement_id=AnnouncementId(announcement_id), person=person, via="rest", now=now
    )
    return ReceiptOut.of(receipt, body.person, None)


async def _shown(session: AsyncSession, row: Announcement) -> AnnouncementOut:
    policy = await policies.get(session, PolicyVersionId(row.policy_version_id))
    userids = await org.last_userids_of(session, {row.author_id})
    counts = (await delivery.summarize(session, message_id=row.card_message_id))[1] if row.card_message_id else {}
    return AnnouncementOut(
        author=userids.get(row.author_id, ""),
        **AnnouncementSummary.columns_of(row),
        body=row.body,
        audience=AudienceWanted.model_validate(row.audience).model_dump(mode="json"),
        receipts=StandingOut.of(await queries.standing(session, row.id)),
        delivery={state.value: count for state, count in counts.items()},
        rule_key=row.rule_key,
        clause=policy.cite(row.rule_key).clause,
        correlation_id=row.correlation_id,
    )


async def _person(session: AsyncSession, userid: str) -> Person:
    person = await org.person_by_userid(session, userid)
    if person is None:
        raise PersonUnknown(f"没有账号为 {userid} 的成员", userid=userid)
    return person
