"""发起申请: join, leave or create a group, with who will decide and by when before anything is submitted (F146)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from app import addresses
from app.approvals import service as approvals
from app.approvals.service import Application, Preview
from app.errors import DomainError
from app.groups import service as groups
from app.org import queries as org
from app.org import service as people
from app.org.rules import department_written
from app.pages.drawing.catalogue import phrase
from app.pages.errors import NoSuchPage
from app.pages.forms import EMPTY, SEEN, Done, Form, Outcome, SubmissionDep, check_seen, refused, said_to, seen_of
from app.pages.people import chosen_people
from app.pages.route import page_router
from app.pages.security import HEADERS
from app.pages.visit import Visit, visits
from app.permissions import Words
from app.policy import service as policies
from app.web.problems import status_of
from models.ids import GroupId

router = page_router("/me/apply")

ApplyVisit = Annotated[Visit, visits("/me/apply")]

KINDS: Final[Mapping[str, Words]] = {
    "join": Words("加入群", "Join a group"),
    "exit": Words("退出群", "Leave a group"),
    "create_group": Words("建立群", "Create a group"),
}
CHOSEN_FROM: Final[Mapping[str, str]] = {"join": f"{addresses.ME_GROUPS}?list=directory", "exit": addresses.ME_GROUPS}
"""Where the group is chosen that somebody joins or leaves."""

CREATION: Final = ("name", "type", "purpose", "confidentiality", "department_id", "owner", "deputy", "members")
APPLIED: Final = ("group_id", "title", "contact", "reason", *CREATION)
"""Every field of an application."""


class Step(StrEnum):
    """What the button asks for that was pressed."""

    SUBMIT = "submit"
    LOOK_AHEAD = "look"


@router.get("")
async def choose(visit: ApplyVisit) -> Response:
    return visit.draw("me/apply.html", done=await said_to(visit), kinds=KINDS)


@router.get("/{kind}")
async def fill_in(kind: str, visit: ApplyVisit, group: UUID | None = None) -> Response:
    """From the app's menu one comes without a group, and chooses it first."""
    if group is None and kind in CHOSEN_FROM:
        return RedirectResponse(CHOSEN_FROM[kind], 303, headers=HEADERS)
    form = Form({"group_id": str(group)} if group else {})
    return await _drawn(visit, _known(kind), form)


@router.post("/{kind}")
async def apply(kind: str, visit: ApplyVisit, submission: SubmissionDep) -> Response:
    """Three buttons: one submits; one shows what would become of it; looking for people only draws the form again."""
    submission.check(visit)
    kind = _known(kind)
    match submission.form.value("step"):
        case Step.SUBMIT:
            pass
        case Step.LOOK_AHEAD:
            return await _looked_ahead(visit, kind, submission.form)
        case _:
            return await _drawn(visit, kind, submission.form)

    async def act() -> Done:
        await _check_may_know(visit, kind, submission.form)
        application = _application(visit, kind, submission.form)
        if submission.form.value(SEEN):  # nobody has to look ahead
            ahead = await approvals.preview(visit.session, application, now=visit.now)
            check_seen(submission.form, APPLIED, _outcome(visit, ahead))
        request = await approvals.submit(visit.session, application, now=visit.now)
        return Done(addresses.me_request(request.id), visit.say(phrase("申请已提交。")))

    async def again(form: Form, status: int) -> Response:
        looks = _looked_ahead if form.value(SEEN) else _drawn
        return await looks(visit, kind, form, status=status)

    return await submission.carry_out(visit, act, again=again)


def _outcome(visit: Visit, ahead: Preview) -> Outcome:
    """Who decides, in which order."""
    said: dict[str, str] = {}
    for step in ahead.steps:
        names = "、".join(one.name for one in step.people)
        enough = visit.say(phrase("（须 {count} 人同意）"), count=step.needed) if len(step.people) > 1 else ""
        said[f"{step.position}. {step.name}"] = f"{names}{enough}" or step.reason
    return said


async def _looked_ahead(visit: Visit, kind: str, form: Form, *, status: int = 200) -> Response:
    """The same page with who will decide, or with why it would be refused."""
    try:
        await _check_may_know(visit, kind, form)
        ahead = await approvals.preview(visit.session, _application(visit, kind, form), now=visit.now)
    except DomainError as refusal:
        return await _drawn(visit, kind, await refused(visit, form, refusal), status=status_of(type(refusal)))
    return await _drawn(visit, kind, form, ahead=ahead, status=status)


async def _check_may_know(visit: Visit, kind: str, form: Form) -> None:
    """Nobody applies to a group that they may not know of (1.14). Raises `GroupNotFound`."""
    if kind != "create_group":
        await groups.group_for(visit.session, GroupId(_group_id(form)), visit.viewer.person, now=visit.now)


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise NoSuchPage("没有这种申请", "There is no such kind of request")
    return kind


def _application(visit: Visit, kind: str, form: Form) -> Application:
    payload = _creation(form) if kind == "create_group" else _membership(form)
    person = visit.viewer.person
    return Application(kind, person, payload, submitted_by=visit.viewer.actor, reason=form.value("reason"))


def _membership(form: Form) -> dict[str, Any]:
    return {name: form.value(name) for name in ("group_id", "name", "title", "contact") if form.value(name)}


def _group_id(form: Form) -> UUID:
    try:
        return UUID(form.value("group_id"))
    except ValueError:
        raise NoSuchPage("请先选择一个群", "Choose a group first") from None


def _creation(form: Form) -> dict[str, Any]:
    texts = ("name", "type", "purpose", "confidentiality")
    department_id = department_written(form.value("department_id"))
    deputy = form.lists.get("deputy", [])
    return {
        **{name: form.value(name) for name in texts if form.value(name)},
        **({"department_id": department_id} if department_id is not None else {}),
        "owner": form.value("owner") or None,
        "deputy": deputy[0] if deputy else None,
        "members": list(form.lists.get("members", [])),
    }


async def _drawn(
    visit: Visit, kind: str, form: Form = EMPTY, *, ahead: Preview | None = None, status: int = 200
) -> Response:
    context = await (_for_creation if kind == "create_group" else _for_membership)(visit, form)
    template = "me/apply_create.html" if kind == "create_group" else "me/apply_membership.html"
    known: dict[str, Any] = {"kind": kind, "title": KINDS[kind], "form": form, "ahead": ahead}
    known["seen"] = seen_of(form, APPLIED, _outcome(visit, ahead)) if ahead else ""
    return visit.draw(template, status=status, done="", **known, **context)


async def _for_membership(visit: Visit, form: Form) -> dict[str, Any]:
    group_id = GroupId(_group_id(form))
    seen = await groups.group_for(visit.session, group_id, visit.viewer.person, now=visit.now)
    requires = {one.kind: one.requires for one in seen.applicable}
    return {"group": seen.line, "requires": requires}


async def _for_creation(visit: Visit, form: Form) -> dict[str, Any]:
    document = (await policies.in_force(visit.session, now=visit.now)).document
    own = await org.departments_of_people(visit.session, [visit.viewer.person.id])
    departments = await org.department_names(visit.session, own.get(visit.viewer.person.id, set()))
    me = (await people.named_people(visit.session, [visit.viewer.person.id]))[visit.viewer.person.id]
    return {
        "types": {key: rule for key, rule in document.groups.types.items() if rule.enabled},
        "departments": departments,
        "me": me,
        "members": await chosen_people(visit, form, "members"),
        "deputies": await chosen_people(visit, form, "deputy"),
    }
