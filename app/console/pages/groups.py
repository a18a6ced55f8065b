"""群: the register, rosters wanted and seen, findings; members and administrators changed by hand."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from app import addresses
from app.audit.why import About
from app.console import previews
from app.console.visiting import company_visits, may, traces_of
from app.exports.service import ListName, hand_out
from app.groups import service as groups
from app.groups.service import AdministeredGroup, GroupSearch
from app.org import service as org
from app.pages.drawing import standing
from app.pages.drawing.catalogue import phrase
from app.pages.errors import NoSuchPage
from app.pages.forms import EMPTY, Done, Form, Preview, SubmissionDep, check_seen, said_to, seen_of
from app.pages.people import chosen_people
from app.pages.route import page_router
from app.pages.tables import Choice, CursorDep, Filter, SortDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission
from app.policy import service as policies
from app.reconciliation import service as reconciliation
from app.spreadsheets.download import SheetFormat
from app.web.schemas import Note, Userid
from models.audit import ObjectKind
from models.groups import FindingState
from models.ids import FindingId, GroupId

router = page_router("/console/groups")

GroupsVisit = Annotated[Visit, visits("/console/groups")]
CompanyVisit = Annotated[Visit, company_visits("/console/groups", Permission.GROUP_ADMINISTER)]
AdministeringVisit = Annotated[Visit, visits("/console/groups", Permission.GROUP_ADMINISTER)]


ROLES = ("owner", "deputy")
WITH_FINDINGS = [Choice("open", "有待处理的差异", "with open findings")]
FINDING_STATES = [Choice("open", "待处理", "open"), Choice("resolved", "已处理", "settled")]


class RosterChange(BaseModel):
    """Somebody is put in or taken out by hand (policy 2.8)."""

    person: Userid
    reason: Annotated[Note, Field(min_length=1)]


class Resolution(BaseModel):
    """What was done about a finding."""

    resolution: Annotated[Note, Field(min_length=1)]


@router.get("")
async def listed(
    visit: GroupsVisit,
    cursor: CursorDep,
    name: Annotated[str, Query(max_length=64)] = "",
    type: Annotated[str, Query(max_length=64)] = "",  # noqa: A002 -- in the address
    findings: Annotated[str, Query(max_length=8)] = "",
    sort: SortDep = "",
) -> Response:
    return await _listed(visit, cursor, _wanted(name, type, findings), sort=sort)


async def _listed(
    visit: Visit,
    cursor: str | None = None,
    wanted: GroupSearch = GroupSearch(),  # noqa: B008 -- frozen
    *,
    sort: str = "",
    form: Form = EMPTY,
    status: int = 200,
) -> Response:
    page = await groups.groups_seen(
        visit.session,
        visit.sight(),
        wanted,
        reader_id=visit.viewer.person.id,
        sort=sort,
        page=page_at(cursor),
        now=visit.now,
    )
    types = (await policies.in_force(visit.session, now=visit.now)).document.groups.types
    titled = [Choice(key, rule.title, rule.title) for key, rule in types.items()]
    filters = [
        Filter("name", "群名称", "Name", value=wanted.name),
        Filter("type", "类型", "Type", titled, wanted.group_type or ""),
        Filter("findings", "差异", "Findings", WITH_FINDINGS, "open" if wanted.has_findings else ""),
    ]
    order = groups.GROUPS_SORTED.by(sort)
    return visit.draw(
        "console/groups.html",
        status=status,
        form=form,
        done=await said_to(visit),
        table=page,
        filters=filters,
        order=order,
        may_compare=may(visit, Permission.GROUP_ADMINISTER),
    )


def _wanted(name: str, type_: str, findings: str) -> GroupSearch:
    return GroupSearch(name.strip(), type_ or None, has_findings=findings == "open")


@router.get("/export.{ending}")
async def export(
    visit: GroupsVisit,
    ending: SheetFormat,
    name: Annotated[str, Query(max_length=64)] = "",
    type: Annotated[str, Query(max_length=64)] = "",  # noqa: A002 -- in the address
    findings: Annotated[str, Query(max_length=8)] = "",
    sort: SortDep = "",
) -> Response:
    """The same list as a file, all of it."""
    sheet = groups.group_sheet(visit.session, in_english=visit.reader.reads_english)
    lines = groups.group_lines(
        visit.session,
        visit.sight(),
        _wanted(name, type, findings),
        reader_id=visit.viewer.person.id,
        sort=sort,
        now=visit.now,
    )
    return await hand_out(visit.taking(), ListName.GROUPS, sheet, lines, ending=ending)


@router.get("/findings")
async def findings(
    visit: GroupsVisit, cursor: CursorDep, state: Annotated[str, Query(max_length=16)] = "open"
) -> Response:
    """Differences nobody approved, in every group that the viewer sees."""
    wanted = FindingState(state) if state in set(FindingState) else None
    page = await groups.findings_seen(visit.session, visit.sight(), state=wanted, page=page_at(cursor))
    filters = [Filter("state", "状态", "State", FINDING_STATES, state)]
    return visit.draw("console/findings.html", table=page, filters=filters, is_filtered=state != "open")


@router.post("/reconcile")
async def compare_all(visit: CompanyVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        await reconciliation.request_reconciliation(visit.session, actor=visit.viewer.actor, now=visit.now)
        return Done(addresses.CONSOLE_GROUPS, visit.say(phrase("已安排核对所有的群，请稍后刷新。")))

    async def again(form: Form, status: int) -> Response:
        return await _listed(visit, form=form, status=status)

    return await submission.carry_out(visit, act, again=again)


@router.get("/{group_id}")
async def group(group_id: UUID, visit: GroupsVisit, cursor: CursorDep) -> Response:
    return await _drawn(visit, group_id, cursor=cursor)


@router.post("/{group_id}/members/{change}")
async def change_roster(group_id: UUID, change: str, visit: AdministeringVisit, submission: SubmissionDep) -> Response:
    """`change`: add or remove."""
    submission.check(visit)
    if change not in {"add", "remove"}:
        raise NoSuchPage("没有这个页面", "There is no such page")

    async def act() -> Done:
        await visit.check(Permission.GROUP_ADMINISTER, About(ObjectKind.GROUP, group_id))
        given = submission.form.read(RosterChange, visit)
        check_seen(submission.form, (), standing.of_group(visit, await _shown(visit, group_id)))
        person = await org.person_named_or_former(visit.session, given.person)
        by_hand = groups.remove_by_hand if change == "remove" else groups.add_by_hand
        await by_hand(
            visit.session,
            group_id=GroupId(group_id),
            person=person,
            reason=given.reason,
            actor=visit.viewer.actor,
            now=visit.now,
        )
        return Done(addresses.console_group(group_id), visit.say(phrase("已记录，正在企业微信中办理。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, group_id, form, status)

    async def foresee() -> Preview | None:
        if change != "remove":
            return None
        given = submission.form.read(RosterChange, visit)
        person = await org.person_named_or_former(visit.session, given.person)
        return await previews.of_removing(visit, group_id, person)

    if submission.form.value("step") == "find":
        return await _drawn(visit, group_id, submission.form)
    return await submission.carry_out(visit, act, again=again, foresee=foresee)


@router.post("/{group_id}/administration/{role}")
async def change_administration(
    group_id: UUID, role: str, visit: AdministeringVisit, submission: SubmissionDep
) -> Response:
    """`role`: owner, who is asked first, or deputy."""
    submission.check(visit)
    if role not in ROLES:
        raise NoSuchPage("没有这个页面", "There is no such page")

    async def act() -> Done:
        await visit.check(Permission.GROUP_ADMINISTER, About(ObjectKind.GROUP, group_id))
        given = submission.form.read(RosterChange, visit)
        check_seen(submission.form, (), standing.of_group(visit, await _shown(visit, group_id)))
        person = await org.person_named_or_former(visit.session, given.person)
        await groups.change_owner(
            visit.session,
            group_id=GroupId(group_id),
            owner=person if role == "owner" else None,
            deputy=person if role == "deputy" else None,
            reason=given.reason,
            actor=visit.viewer.actor,
            now=visit.now,
        )
        asked = phrase("已征求本人意见，同意后即为群主。")
        return Done(
            addresses.console_group(group_id), visit.say(asked if role == "owner" else phrase("已登记为副群主。"))
        )

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, group_id, form, status)

    return await submission.carry_out(visit, act, again=again)


@router.post("/{group_id}/reconcile")
async def compare(group_id: UUID, visit: AdministeringVisit, submission: SubmissionDep) -> Response:
    """With `accept`, a reading that was held back because too many were gone counts."""

    async def act() -> Done:
        await visit.check(Permission.GROUP_ADMINISTER, About(ObjectKind.GROUP, group_id))
        accept = submission.form.value("accept") == "true"
        await reconciliation.request_reconciliation(
            visit.session, GroupId(group_id), accept_losses=accept, actor=visit.viewer.actor, now=visit.now
        )
        return Done(addresses.console_group(group_id), visit.say(phrase("已安排核对这个群，请稍后刷新。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, group_id, form, status)

    async def foresee() -> Preview | None:
        return await previews.of_accepting(visit, group_id) if submission.form.value("accept") == "true" else None

    return await submission.carry_out(visit, act, again=again, foresee=foresee)


@router.post("/{group_id}/findings/{finding_id}/resolve")
async def resolve(group_id: UUID, finding_id: UUID, visit: AdministeringVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        await visit.check(Permission.GROUP_ADMINISTER, About(ObjectKind.GROUP, group_id))
        given = submission.form.read(Resolution, visit)
        await groups.resolve_finding(
            visit.session,
            group_id=GroupId(group_id),
            finding_id=FindingId(finding_id),
            resolution=given.resolution,
            actor=visit.viewer.actor,
            now=visit.now,
        )
        return Done(addresses.console_group(group_id), visit.say(phrase("差异已处理。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, group_id, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _drawn(
    visit: Visit, group_id: UUID, form: Form = EMPTY, status: int = 200, *, cursor: str | None = None
) -> Response:
    about = About(ObjectKind.GROUP, group_id)
    await visit.check(Permission.GROUP_READ, about)
    shown = await _shown(visit, group_id)
    return visit.draw(
        "console/group.html",
        status=status,
        form=form,
        done=await said_to(visit),
        shown=shown,
        seen=seen_of(form, (), standing.of_group(visit, shown)),
        roster=await groups.roster_of(visit.session, GroupId(group_id), page=page_at(cursor)),
        may_administer=await visit.may(Permission.GROUP_ADMINISTER, about),
        may_assign=await visit.may(Permission.TASK_ASSIGN, about),
        picked=await chosen_people(visit, form, "person"),
        traces=await traces_of(visit, about),
    )


async def _shown(visit: Visit, group_id: UUID) -> AdministeredGroup:
    reader = visit.viewer.person.id
    return await groups.administered(visit.session, GroupId(group_id), reader_id=reader, now=visit.now)
