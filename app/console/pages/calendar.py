"""工作日历: a month with its working days, and changing one after a look at what moves with it (D14)."""

from __future__ import annotations

import calendar as months
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field
from starlette.responses import Response

from app import addresses
from app.calendar import service as calendars
from app.calendar.service import Day, MovedTimer
from app.console import previews
from app.console.visiting import actor_of, company_visits, may
from app.pages.drawing.catalogue import phrase
from app.pages.forms import EMPTY, Done, Form, Preview, SubmissionDep, said_to
from app.pages.route import page_router
from app.pages.visit import Visit, visits
from app.permissions import Permission, Words
from app.web.schemas import Day as DayInPath

router = page_router(addresses.CONSOLE_CALENDAR)

CalendarVisit = Annotated[Visit, visits(addresses.CONSOLE_CALENDAR)]
ChangingVisit = Annotated[Visit, company_visits(addresses.CONSOLE_CALENDAR, Permission.CALENDAR_CHANGE)]

EARLIEST: Final = 2000
LATEST: Final = 2100
MOST_MOVED: Final = 50
"""Named one by one; all of them are counted."""

MOVED: Final[Mapping[str, Words]] = {
    "ladder.tell": Words("升级提醒", "notices to superiors"),
    "approval.remind": Words("审批催办", "reminders to approvers"),
    "approval.due": Words("审批截止", "deadlines of approvals"),
    "task.accept_due": Words("任务接受截止", "deadlines to accept tasks"),
    "task.remind": Words("任务提醒", "reminders of tasks"),
    "task.overdue": Words("任务期限", "deadlines of tasks"),
    "task.escalate": Words("任务逾期上报", "overdue tasks that superiors hear of"),
    "announcement.chase": Words("通知催确认", "reminders to confirm"),
    "announcement.deadline": Words("通知确认截止", "deadlines to confirm"),
    "announcement.escalate": Words("通知未确认上报", "receipts that superiors hear of"),
}


class Wanted(BaseModel):
    is_working: bool
    note: str = Field("", max_length=100)


@dataclass(frozen=True)
class Month:
    """What is drawn: whole weeks, Monday first."""

    year: int
    number: int
    weeks: Sequence[Sequence[Day]]

    @property
    def name(self) -> str:
        return f"{self.year}-{self.number:02}"

    def beside(self, step: int) -> str:
        """The month before (-1) or after (1), as the address names it."""
        year, number = divmod(self.year * 12 + self.number - 1 + step, 12)
        return f"{year}-{number + 1:02}"


@router.get("")
async def month(visit: CalendarVisit, month: str = "") -> Response:
    today = visit.now.astimezone(visit.reader.zone).date()
    found = await _month(visit, _first_of(month, otherwise=today))
    return visit.draw(
        "console/calendar.html",
        done=await said_to(visit),
        month=found,
        today=today,
        company=calendars.COMPANY,
        provisional=calendars.PROVISIONAL,
        may_change=may(visit, Permission.CALENDAR_CHANGE),
    )


@router.get("/{day}")
async def one(day: DayInPath, visit: ChangingVisit) -> Response:
    return await _drawn(visit, day)


@router.post("/{day}")
async def change(day: DayInPath, visit: ChangingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        given = submission.form.read(Wanted, visit)
        await calendars.set_day(
            visit.session,
            day=day,
            is_working=given.is_working,
            note=given.note,
            actor=actor_of(visit),
            now=visit.now,
        )
        location = f"{addresses.CONSOLE_CALENDAR}?month={day:%Y-%m}"
        return Done(
            location, visit.say(phrase("已更改 {day}，按工作时间计算的截止时间随之移动。"), day=day.isoformat())
        )

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, day, form, status)

    async def foresee() -> Preview | None:
        given = submission.form.read(Wanted, visit)
        return await previews.of_moving(visit, day, is_working=given.is_working)

    return await submission.carry_out(visit, act, again=again, foresee=foresee)


async def _month(visit: Visit, first: date) -> Month:
    weeks = months.Calendar().monthdatescalendar(first.year, first.month)
    days = await calendars.days_between(visit.session, since=weeks[0][0], until=weeks[-1][-1])
    known = {day.day: day for day in days}
    return Month(first.year, first.month, [[known[day] for day in week] for week in weeks])


def _first_of(month: str, *, otherwise: date) -> date:
    try:
        found = date.fromisoformat(f"{month}-01")
    except ValueError:
        return otherwise.replace(day=1)
    return found if EARLIEST <= found.year <= LATEST else otherwise.replace(day=1)


async def _drawn(visit: Visit, day: date, form: Form = EMPTY, status: int = 200) -> Response:
    """The change that is offered is the other kind of day, with everything that moves then."""
    now = (await calendars.days_between(visit.session, since=day, until=day))[0]
    moved = await calendars.would_move(visit.session, day=day, is_working=not now.is_working, now=visit.now)
    return visit.draw(
        "console/calendar_day.html",
        status=status,
        form=form,
        day=now,
        moved=moved[:MOST_MOVED],
        preview=await previews.of_moving(visit, day, is_working=not now.is_working),
        is_past=day < (visit.now.astimezone(visit.reader.zone) - timedelta(days=1)).date(),
        **_counted(moved),
    )


def _counted(moved: Sequence[MovedTimer]) -> dict[str, Any]:
    counts = Counter(one.kind for one in moved)
    return {"count": len(moved), "counts": dict(counts), "kinds": MOVED}
