"""通知: what was published, who has confirmed, and a new one with what it will do before it does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from app import addresses
from app.announcements import queries
from app.announcements import service as announcements
from app.announcements.errors import DeadlineInThePast, ReceiptNotPossible
from app.announcements.service import AudienceWanted, Draft, PublicationAhead, ReceiptState
from app.audit.why import About
from app.confirmations import service as confirmations
from app.confirmations.service import Asked, Wish
from app.console.visiting import traces_of
from app.dual_control import TwoPersonAct
from app.errors import DomainError
from app.exports.service import ListName, hand_out
from app.pages.drawing.catalogue import phrase
from app.pages.forms import (
    EMPTY,
    Done,
    Form,
    Outcome,
    SubmissionDep,
    at_fields,
    check_seen,
    moment_of,
    refused,
    said_to,
    seen_of,
)
from app.pages.people import chosen_departments, chosen_groups, chosen_people
from app.pages.route import page_router
from app.pages.tables import Choice, CursorDep, Filter, SortDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission, Sight
from app.policy import service as policies
from app.spreadsheets.download import SheetFormat
from app.web.problems import status_of
from models.announcements import AnnouncementState
from models.audit import ObjectKind
from models.ids import LARGEST_NUMBER, AnnouncementId

router = page_router("/console/announcements")

AnnouncementsVisit = Annotated[Visit, visits("/console/announcements")]
PublishingVisit = Annotated[Visit, visits("/console/announcements", Permission.ANNOUNCEMENT_PUBLISH)]


class NewAnnouncement(BaseModel):
    """What somebody writes."""

    title: Annotated[str, Field(min_length=1, max_length=100)]
    body: Annotated[str, Field(min_length=1, max_length=10_000)]
    message_class: str
    departments: list[Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]] = []
    groups: list[UUID] = []
    people: list[str] = []
    receipt: Literal["yes", "no"] | None = None
    """Empty: what the policy says of the class."""
    deadline: datetime | None = None
    """For the receipt, as the company's clocks show it."""

    def draft(self, visit: Visit) -> Draft:
        wanted = AudienceWanted(groups=self.groups, departments=self.departments, people=self.people)
        until = moment_of(visit, "deadline", self.deadline) if self.deadline else None
        return Draft(self.title, self.body, self.message_class, wanted, until, ASKED.get(self.receipt or ""))


ASKED: Final = {"yes": True, "no": False}
RECEIPTS: Final = (
    Choice("", "按所选类别的制度", "as the policy says of the class"),
    Choice("yes", "需要回执", "a receipt is needed"),
    Choice("no", "不需要回执", "no receipt is needed"),
)
FIELDS: Final[dict[type[DomainError], str]] = {DeadlineInThePast: "deadline", ReceiptNotPossible: "receipt"}
"""At which field a refusal stands."""


EXACT_DIGITS: Final = 4
"""So many digits of the number of recipients stay as they were seen."""
STATES = [
    Choice("published", "进行中", "under way"),
    Choice("closed", "已结束", "closed"),
]
LATE = [Choice("true", "有人逾期未确认", "somebody is late")]


@dataclass(frozen=True)
class AskedFor:
    """What the address asks for: the overview leads here with it."""

    state: str
    late: str

    def filters(self) -> list[Filter]:
        return [
            Filter("state", "状态", "State", STATES, self.state),
            Filter("late", "期限", "Deadline", LATE, self.late),
        ]

    def wanted(self, visit: Visit) -> queries.AnnouncementFilter:
        return queries.AnnouncementFilter(
            state=AnnouncementState(self.state) if self.state in set(AnnouncementState) else None,
            late_at=visit.now if self.late == "true" else None,
        )


def _asked_for(
    state: Annotated[str, Query(max_length=32)] = "", late: Annotated[str, Query(max_length=8)] = ""
) -> AskedFor:
    return AskedFor(state, late)


AskedForDep = Annotated[AskedFor, Depends(_asked_for)]


@router.get("")
async def listed(visit: AnnouncementsVisit, cursor: CursorDep, asked: AskedForDep, sort: SortDep = "") -> Response:
    page = await announcements.announcements_seen(
        visit.session,
        visit.sight(),
        asked.wanted(visit),
        reader_id=visit.viewer.person.id,
        sort=sort,
        page=page_at(cursor),
        now=visit.now,
    )
    return visit.draw(
        "console/announcements.html",
        done=await said_to(visit),
        table=page,
        filters=asked.filters(),
        order=announcements.ANNOUNCEMENTS_SORTED.by(sort),
        may_publish=visit.authority.holds(Permission.ANNOUNCEMENT_PUBLISH),
    )


@router.get("/export.{ending}")
async def export_list(
    visit: AnnouncementsVisit, ending: SheetFormat, asked: AskedForDep, sort: SortDep = ""
) -> Response:
    """The same list as a file, all of it."""
    sheet = announcements.announcement_sheet(visit.session, in_english=visit.reader.reads_english)
    lines = announcements.announcement_lines(
        visit.session, visit.sight(), asked.wanted(visit), reader_id=visit.viewer.person.id, sort=sort, now=visit.now
    )
    return await hand_out(visit.taking(), ListName.ANNOUNCEMENTS, sheet, lines, ending=ending)


@router.get("/new")
async def compose(visit: PublishingVisit) -> Response:
    return await _composing(visit)


@router.post("/new")
async def publish(visit: PublishingVisit, submission: SubmissionDep) -> Response:
    """First what it will do to whom; then, with the button that says it, it does."""
    submission.check(visit)
    if submission.form.value("step") == "find":
        return await _composing(visit, submission.form)
    if submission.form.value("step") != "publish":
        return await _looked_ahead(visit, submission.form)

    async def act() -> Done:
        draft = submission.form.read(NewAnnouncement, visit).draft(visit)
        ahead = await _ahead(visit, draft)
        check_seen(submission.form, NewAnnouncement.model_fields, _outcome(visit, ahead))
        if await announcements.is_for_everybody(visit.session, draft.wanted, visit.viewer.person):
            return await _to_everybody(visit, draft)
        made = await announcements.publish(
            visit.session, draft, author=visit.viewer.person, actor=visit.viewer.actor, now=visit.now
        )
        return Done(addresses.console_announcement(made.id), visit.say(phrase("已发布。")))

    async def again(form: Form, status: int) -> Response:
        return await _looked_ahead(visit, form, status)

    return await submission.carry_out(visit, act, again=again)


def _outcome(visit: Visit, ahead: PublicationAhead) -> Outcome:
    """What its author has to see again when it changes."""
    return {
        visit.say(phrase("收件人")): _counted(visit, ahead.people),
        visit.say(phrase("其中")): "、".join(one.name for one in ahead.sample),
        visit.say(phrase("发到群")): "、".join(ahead.groups),
        visit.say(phrase("类别")): ahead.class_title,
        visit.say(phrase("请其确认")): visit.say(phrase("是") if ahead.asks_for_receipt else phrase("否")),
        visit.say(phrase("回执截止时间")): _until(visit, ahead),
    }


def _counted(visit: Visit, people: int) -> str:
    """Of a great many, some come and go at any time: a change of less than a thousandth is not shown again."""
    step = 10 ** max(0, len(str(people)) - EXACT_DIGITS)
    said = phrase("{people} 人") if step == 1 else phrase("约 {people} 人")
    return visit.say(said, people=f"{people // step * step:,}")


def _until(visit: Visit, ahead: PublicationAhead) -> str:
    return ahead.receipt_until_english if visit.reader.reads_english else ahead.receipt_until


async def _to_everybody(visit: Visit, draft: Draft) -> Done:
    """What goes to the whole company waits for a second person where the policy wants one (F197)."""
    payload = {
        "title": draft.title,
        "body": draft.body,
        "class": draft.message_class,
        "audience": draft.wanted.model_dump(mode="json"),
        "deadline": draft.deadline.isoformat() if draft.deadline else None,
        "receipt": draft.receipt,
    }
    wish = Wish(TwoPersonAct.ANNOUNCE_TO_EVERYBODY, payload, visit.viewer.person)
    outcome = await confirmations.ask_or_do(visit.session, wish, now=visit.now)
    if isinstance(outcome, Asked):
        return Done(addresses.me_confirmation(outcome.row.id), visit.say(phrase("已提出，等另一个人确认后发布。")))
    return Done(addresses.console_announcement(UUID(outcome.result)), visit.say(phrase("已发布。")))


@router.get("/{announcement_id}")
async def announcement(
    announcement_id: UUID,
    visit: AnnouncementsVisit,
    cursor: CursorDep,
    state: Annotated[str, Query(max_length=32)] = "",
) -> Response:
    key = AnnouncementId(announcement_id)
    sight = await _sight_of_receipts(visit, key)
    chosen = ReceiptState(state) if state in set(ReceiptState) else None
    return visit.draw(
        "console/announcement.html",
        done=await said_to(visit),
        followed=await announcements.follow(visit.session, key, reader=visit.viewer.person, now=visit.now),
        totals=await announcements.totals_of(visit.session, key),
        receipts=await announcements.receipts_of(visit.session, key, state=chosen, sight=sight, page=page_at(cursor)),
        states=ReceiptState,
        chosen=chosen,
        traces=await traces_of(visit, About(ObjectKind.ANNOUNCEMENT, announcement_id)),
    )


@router.get("/{announcement_id}/receipts.{ending}")
async def export(
    announcement_id: UUID,
    visit: AnnouncementsVisit,
    ending: SheetFormat,
    state: Annotated[str, Query(max_length=32)] = "",
) -> Response:
    """The list of receipts as a file, all of it."""
    sight = await _sight_of_receipts(visit, AnnouncementId(announcement_id))
    row = await queries.announcement(visit.session, AnnouncementId(announcement_id))
    sheet = announcements.receipt_sheet(visit.session, row, in_english=visit.reader.reads_english)
    chosen = ReceiptState(state) if state in set(ReceiptState) else None
    lines = announcements.receipt_lines(visit.session, row, state=chosen, now=visit.now, sight=sight)
    return await hand_out(visit.taking(), ListName.RECEIPTS, sheet, lines, ending=ending)


async def _sight_of_receipts(visit: Visit, announcement_id: AnnouncementId) -> Sight:
    """Whose receipts are shown: everybody's to the author, to others those of the people whom they see."""
    row = await queries.announcement(visit.session, announcement_id)
    if row.author_id == visit.viewer.person.id:
        return Sight(everything=True)
    await visit.check(Permission.ANNOUNCEMENT_READ, About(ObjectKind.ANNOUNCEMENT, announcement_id))
    return visit.sight()


async def _ahead(visit: Visit, draft: Draft) -> PublicationAhead:
    sight = visit.sight(Permission.ANNOUNCEMENT_PUBLISH)
    with at_fields(visit, FIELDS):
        return await announcements.look_ahead(visit.session, draft, sight, author=visit.viewer.person, now=visit.now)


async def _looked_ahead(visit: Visit, form: Form, status: int = 200) -> Response:
    try:
        ahead = await _ahead(visit, form.read(NewAnnouncement, visit).draft(visit))
    except DomainError as refusal:
        return await _composing(visit, await refused(visit, form, refusal), status_of(type(refusal)))
    return await _composing(visit, form, status, ahead=ahead)


async def _composing(
    visit: Visit, form: Form = EMPTY, status: int = 200, *, ahead: PublicationAhead | None = None
) -> Response:
    sight = visit.sight(Permission.ANNOUNCEMENT_PUBLISH)
    document = (await policies.in_force(visit.session, now=visit.now)).document
    offered: dict[str, Any] = {
        "classes": document.announcements.classes,
        "receipts": RECEIPTS,
        "departments": await chosen_departments(visit, form, "departments", sight),
        "groups": await chosen_groups(visit, form, "groups", sight),
        "people": await chosen_people(visit, form, "people"),
    }
    seen = seen_of(form, NewAnnouncement.model_fields, _outcome(visit, ahead)) if ahead else ""
    return visit.draw(
        "console/compose.html",
        status=status,
        form=form,
        ahead=ahead,
        until=_until(visit, ahead) if ahead else "",
        seen=seen,
        done="",
        **offered,
    )
