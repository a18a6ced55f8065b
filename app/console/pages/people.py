"""人员: who is here, and one person with their groups, requests, tasks and what they may do."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app import addresses
from app.access import service as access
from app.announcements import service as announcements
from app.announcements.service import AnnouncementPage
from app.approvals import service as approvals
from app.approvals.queries import RequestFilter
from app.audit.why import About
from app.console import previews
from app.console.visiting import company_visits, may, traces_of, way_to
from app.exports.service import ListName, hand_out
from app.groups import service as groups
from app.groups.service import GroupSearch
from app.org import queries
from app.org import service as org
from app.org.rules import may_act
from app.org.service import MemberFilter
from app.pages.drawing.catalogue import phrase
from app.pages.drawing.words import ORG_CHANGES, ORG_OBJECTS
from app.pages.errors import NoSuchPage
from app.pages.forms import EMPTY, Done, Form, Preview, SubmissionDep, said_to
from app.pages.route import page_router
from app.pages.tables import Choice, CursorDep, Filter, SortDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission
from app.spreadsheets.download import SheetFormat
from app.tasks import service as tasks
from app.tasks.queries import TaskFilter
from app.web.pagination import PageQuery
from models.audit import ObjectKind
from models.ids import PersonId
from models.org import PersonStatus

router = page_router("/console/people")

LinkingVisit = Annotated[Visit, company_visits("/console/people", Permission.SYNC_RELEASE)]
PeopleVisit = Annotated[Visit, visits("/console/people")]

STATUSES = [
    Choice("active", "在职", "active"),
    Choice("disabled", "已停用", "disabled"),
    Choice("left", "已离职", "left"),
    Choice("invisible", "不在可见范围内", "out of range"),
    Choice("missing", "上次没有读到", "missing in the last reading"),
    Choice("not_activated", "未激活", "not activated"),
]


LATEST: Final = PageQuery(cursor=None, limit=10)
"""Of a list that has a page of its own."""


@router.get("")
async def listed(
    visit: PeopleVisit,
    cursor: CursorDep,
    name: Annotated[str, Query(max_length=64)] = "",
    status: Annotated[str, Query(max_length=32)] = "",
    sort: SortDep = "",
) -> Response:
    page = await org.people_seen(visit.session, _wanted(visit, name, status), sort=sort, page=page_at(cursor))
    filters = [
        Filter("name", "姓名或账号", "Name or userid", value=name),
        Filter("status", "状态", "Status", STATUSES, status),
    ]
    order = org.PEOPLE_SORTED.by(sort)
    return visit.draw(
        "console/people.html",
        done=await said_to(visit),
        table=page,
        filters=filters,
        order=order,
        may_link=may(visit, Permission.SYNC_RELEASE),
    )


def _wanted(visit: Visit, name: str, status: str) -> MemberFilter:
    return MemberFilter(
        name=name.strip(), status=PersonStatus(status) if status in set(PersonStatus) else None, sight=visit.sight()
    )


@router.get("/export.{ending}")
async def export(
    visit: PeopleVisit,
    ending: SheetFormat,
    name: Annotated[str, Query(max_length=64)] = "",
    status: Annotated[str, Query(max_length=32)] = "",
    sort: SortDep = "",
) -> Response:
    """The same list as a file, all of it."""
    sheet = org.people_sheet(visit.session, in_english=visit.reader.reads_english)
    lines = org.people_lines(visit.session, _wanted(visit, name, status), sort=sort)
    return await hand_out(visit.taking(), ListName.PEOPLE, sheet, lines, ending=ending)


@router.get("/returned")
async def returned(visit: LinkingVisit, cursor: CursorDep) -> Response:
    """Accounts that came back after their person had left: the same human being, or somebody else (D17)."""
    return await _returned(visit, cursor)


@router.post("/returned")
async def decide(visit: LinkingVisit, submission: SubmissionDep) -> Response:
    """Everybody who is alike in one step, or one account at a time."""

    async def act() -> Done:
        actor, userid = visit.viewer.actor, submission.form.value("userid")
        match submission.form.value("step"):
            case "linked":
                await org.link_former(visit.session, userid=userid, actor=actor, now=visit.now)
            case "separate":
                await org.separate_userid(visit.session, userid=userid, actor=actor, now=visit.now)
            case "alike":
                found = await org.link_returners(visit.session, userids=None, actor=actor, now=visit.now)
                return Done(addresses.CONSOLE_RETURNED, visit.say(phrase("已关联 {count} 人。"), count=len(found)))
            case _:
                raise NoSuchPage("没有这个页面", "There is no such page")
        return Done(addresses.CONSOLE_RETURNED, visit.say(phrase("已记录。")))

    async def again(form: Form, status: int) -> Response:
        return await _returned(visit, None, form, status)

    async def foresee() -> Preview | None:
        if submission.form.value("step") != "alike":
            return None
        return previews.of_linking(visit, await org.alike_returners(visit.session))

    return await submission.carry_out(visit, act, again=again, foresee=foresee)


async def _returned(visit: Visit, cursor: str | None, form: Form = EMPTY, status: int = 200) -> Response:
    page = await org.returners_listed(visit.session, page=page_at(cursor))
    return visit.draw("console/returned.html", status=status, form=form, done=await said_to(visit), table=page)


@router.get("/{person_id}/changes")
async def changes(person_id: UUID, visit: PeopleVisit, cursor: CursorDep) -> Response:
    """What has happened to an account and its places, by which sync."""
    await visit.check(Permission.PERSON_READ, About(ObjectKind.PERSON, person_id))
    shown = await org.person_shown(visit.session, person_id)
    if shown is None:
        raise NoSuchPage("没有这个人", "There is no such person")
    page = await org.changes_listed(visit.session, person_id, page=page_at(cursor))
    return visit.draw(
        "console/person_changes.html",
        shown=shown,
        table=page,
        runs={one.run_id: way_to(visit, ObjectKind.SYNC_RUN, one.run_id) for one in page.items if one.run_id},
        objects=ORG_OBJECTS,
        changes=ORG_CHANGES,
    )


@router.get("/{person_id}/receipts")
async def receipts(person_id: UUID, visit: PeopleVisit, cursor: CursorDep) -> Response:
    """Every announcement that went to somebody, as far as the viewer follows it, and whether they have confirmed."""
    await visit.check(Permission.PERSON_READ, About(ObjectKind.PERSON, person_id))
    shown = await org.person_shown(visit.session, person_id)
    if shown is None:
        raise NoSuchPage("没有这个人", "There is no such person")
    table = await _receipts(visit, person_id, page_at(cursor))
    return visit.draw("console/person_receipts.html", shown=shown, table=table)


async def _receipts(visit: Visit, person_id: UUID, page: PageQuery) -> AnnouncementPage:
    return await announcements.receipts_of_person(
        visit.session,
        person_id,
        visit.sight(Permission.ANNOUNCEMENT_READ),
        reader_id=visit.viewer.person.id,
        page=page,
        now=visit.now,
    )


@router.get("/{person_id}")
async def person(person_id: UUID, visit: PeopleVisit) -> Response:
    return await _person(person_id, visit)


@router.post("/{person_id}/sessions/end")
async def end_sessions(person_id: UUID, visit: PeopleVisit, submission: SubmissionDep) -> Response:
    """Sign somebody out everywhere: a lost phone, a stolen account."""

    async def act() -> Done:
        await visit.check(Permission.ACCESS_GRANT, About(ObjectKind.PERSON, person_id))
        await access.end_for(visit.session, person_id, by=visit.viewer.actor, now=visit.now)
        return Done(addresses.console_person(person_id), visit.say(phrase("此人的登录已全部结束。")))

    async def again(form: Form, status: int) -> Response:
        return await _person(person_id, visit, form, status)

    async def foresee() -> Preview:
        return await previews.of_ending_sessions(visit, person_id)

    return await submission.carry_out(visit, act, again=again, foresee=foresee)


async def _person(person_id: UUID, visit: Visit, form: Form = EMPTY, status: int = 200) -> Response:
    await visit.check(Permission.PERSON_READ, About(ObjectKind.PERSON, person_id))
    row = await queries.person(visit.session, PersonId(person_id))
    shown = await org.person_shown(visit.session, person_id)
    if row is None or shown is None:
        raise NoSuchPage("没有这个人", "There is no such person")
    sight = visit.sight(Permission.REQUEST_READ)
    mine = RequestFilter(requester_id=PersonId(person_id))
    may_explain = visit.sight(Permission.ACCESS_READ).everything
    may_end = await visit.may(Permission.ACCESS_GRANT, About(ObjectKind.PERSON, person_id))
    lifetime = access.lifetime_of(visit.settings)
    return visit.draw(
        "console/person.html",
        status=status,
        form=form,
        may_end=may_end,
        sessions=await access.living_of(visit.session, person_id, lifetime=lifetime, now=visit.now) if may_end else [],
        done=await said_to(visit),
        shown=shown,
        traces=await traces_of(visit, About(ObjectKind.PERSON, person_id)),
        groups=await groups.groups_seen(
            visit.session,
            visit.sight(Permission.GROUP_READ),
            GroupSearch(member_id=PersonId(person_id)),
            reader_id=person_id,
            now=visit.now,
        ),
        requests=await approvals.requests_seen(visit.session, sight, mine),
        tasks=await tasks.tasks_seen(
            visit.session,
            TaskFilter(owner_id=person_id, is_open=True, sight=visit.sight(Permission.TASK_READ)),
            now=visit.now,
        ),
        receipts=await _receipts(visit, person_id, LATEST),
        authority=await access.authority_of(visit.session, row, now=visit.now) if may_explain else None,
        may_assign=may_act(row) and await visit.may(Permission.TASK_ASSIGN, About(ObjectKind.PERSON, person_id)),
    )
