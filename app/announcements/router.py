"""REST for announcements: publish, list, look, who has confirmed, confirm."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlmodel import col

from app.access import service as access
from app.announcements import presentation, queries, service
from app.announcements.queries import AnnouncementFilter
from app.announcements.rules import ReceiptState
from app.announcements.schemas import (
    AnnouncementOut,
    AnnouncementSummary,
    NewAnnouncement,
    NewReceipt,
    ReceiptOut,
)
from app.announcements.sheet import receipt_lines, receipt_sheet
from app.dual_control import TwoPersonAct
from app.exports.service import ListName, TakingDep, hand_out
from app.org import service as org
from app.policy import service as policies
from app.spreadsheets.download import ANSWERS, Download, SheetFormat
from app.web.deps import CallerDep, EnglishDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from app.web.schemas import Moment, QueryBool
from models.announcements import Announcement, AnnouncementState, Receipt
from models.ids import AnnouncementId

router = APIRouter(prefix="/announcements", tags=["announcements"], route_class=IdempotentRoute)

READ = [Depends(require("announcements:read"))]
WRITE = [Depends(require("announcements:write"))]
CONFIRM = [Depends(require("announcements:confirm"))]


@router.post("", status_code=201, dependencies=WRITE, responses=problems(400, 403, 404, 409))
async def publish_announcement(
    body: NewAnnouncement, session: SessionDep, caller: CallerDep, now: NowDep
) -> AnnouncementOut:
    """Publish to groups, departments and people. The audience is frozen now; cards and group texts go at once."""
    draft = body.draft()
    author = await access.person_acting(session, caller, userid=body.author)
    if await service.is_for_everybody(session, draft.wanted, author):
        await policies.check_alone(session, TwoPersonAct.ANNOUNCE_TO_EVERYBODY, now=now)
    announcement = await service.publish(session, draft, author=author, actor=caller.actor, now=now)
    return await presentation.announcement(session, announcement)


async def get_wanted(
    session: SessionDep,
    now: NowDep,
    author: Annotated[str | None, Query(description="userid")] = None,
    late: Annotated[QueryBool, Query(description="Only those that somebody should have confirmed by now")] = False,
) -> AnnouncementFilter:
    return AnnouncementFilter(author_id=await org.id_named(session, author), late_at=now if late else None)


@router.get("", dependencies=READ, responses=problems(400, 404))
async def list_announcements(
    session: SessionDep,
    page: PageDep,
    of_people: Annotated[AnnouncementFilter, Depends(get_wanted)],
    message_class: Annotated[str | None, Query(alias="class", description="A class of the policy")] = None,
    state: AnnouncementState | None = None,
    updated_since: Moment | None = None,
) -> Page[AnnouncementSummary]:
    """Announcements, the latest change first."""
    wanted = replace(of_people, message_class=message_class, state=state, updated_since=updated_since)
    columns = (col(Announcement.updated_at), col(Announcement.id))
    rows, next_cursor = await paginate(session, queries.matching(wanted), *columns, page=page)
    return Page(items=await presentation.summaries(session, rows), next_cursor=next_cursor)


@router.get("/{announcement_id}", dependencies=READ, responses=problems(404))
async def get_announcement(announcement_id: UUID, session: SessionDep) -> AnnouncementOut:
    """One announcement, how many have confirmed, and whether the cards arrived."""
    return await presentation.announcement(
        session, await queries.announcement(session, AnnouncementId(announcement_id))
    )


@router.get("/{announcement_id}/receipts", dependencies=READ, responses=problems(400, 404))
async def list_receipts(
    announcement_id: UUID,
    session: SessionDep,
    page: PageDep,
    state: Annotated[ReceiptState | None, Query(description="Only those who stand so")] = None,
    confirmed: Annotated[
        QueryBool | None,
        Query(description="Only those who have, or have not although the card has reached them", deprecated=True),
    ] = None,
) -> Page[ReceiptOut]:
    """Who is concerned, who has confirmed, who has not, and whom the card has not reached."""
    announcement = await queries.announcement(session, AnnouncementId(announcement_id))
    if state is None and confirmed is not None:
        state = ReceiptState.CONFIRMED if confirmed else ReceiptState.UNCONFIRMED
    statement = queries.receipts(announcement_id, state=state)
    rows, next_cursor = await paginate(session, statement, col(Receipt.id), page=page, descending=False)
    return Page(items=await presentation.receipts(session, announcement, rows), next_cursor=next_cursor)


@router.get(
    "/{announcement_id}/receipts.{ending}",
    dependencies=READ,
    status_code=200,
    response_class=Download,
    responses=problems(404) | ANSWERS,
)
async def export_receipts(
    announcement_id: UUID,
    ending: SheetFormat,
    taking: TakingDep,
    session: SessionDep,
    now: NowDep,
    in_english: EnglishDep,
    state: Annotated[ReceiptState | None, Query(description="Only those who stand so")] = None,
) -> Download:
    """The same list as a file, all of it: person, departments, state, moments in the company's time zone, lateness."""
    announcement = await queries.announcement(session, AnnouncementId(announcement_id))
    sheet = receipt_sheet(session, announcement, in_english=in_english)
    lines = receipt_lines(session, announcement, state=state, now=now)
    return await hand_out(taking, ListName.RECEIPTS, sheet, lines, ending=ending)


@router.post("/{announcement_id}/receipts", status_code=201, dependencies=CONFIRM, responses=problems(400, 403, 404))
async def confirm_announcement(
    announcement_id: UUID, body: NewReceipt, session: SessionDep, caller: CallerDep, now: NowDep
) -> ReceiptOut:
    """Confirm in a person's name. A repeat changes nothing."""
    person = await access.person_acting(session, caller, userid=body.person)
    receipt = await service.confirm(
        session, announcement_id=AnnouncementId(announcement_id), person=person, via="rest", now=now
    )
    return presentation.confirmed(receipt, body.person)
