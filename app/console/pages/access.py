"""授权: who was given what, by whom and until when; giving and taking back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.responses import Response

from app import addresses
from app.access import service as access
from app.access.service import Wanted
from app.confirmations import service as confirmations
from app.confirmations.service import Asked, Wish
from app.console import previews
from app.console.visiting import may
from app.dual_control import TwoPersonAct
from app.groups import queries as group_queries
from app.org import queries as org_queries
from app.org import service as org
from app.pages.drawing.catalogue import phrase
from app.pages.errors import FaultyForm
from app.pages.forms import EMPTY, Done, Form, Preview, SubmissionDep, said_to
from app.pages.people import chosen_departments, chosen_groups, chosen_people
from app.pages.route import page_router
from app.pages.visit import Visit, visits
from app.permissions import Permission, Reach
from app.policy import service as policies
from app.web.schemas import Userid
from models.access import AccessGrant

router = page_router("/console/access")

AccessVisit = Annotated[Visit, visits("/console/access")]
GrantingVisit = Annotated[Visit, visits("/console/access", Permission.ACCESS_GRANT)]

HOME = "/console/access"


class NewGrant(BaseModel):
    """What somebody is to have, and why."""

    person: Userid
    bundle: Annotated[str, Field(min_length=1, max_length=64)]
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    reach: Reach = Reach.COMPANY
    department: Annotated[str, Field(max_length=64)] = ""
    group: Annotated[str, Field(max_length=64)] = ""
    until: date | None = None

    @property
    def place(self) -> str:
        """What was chosen for the reach that was chosen: whoever changes their mind need not take the other back."""
        return {Reach.DEPARTMENT: self.department, Reach.GROUP: self.group}.get(self.reach, "")


@router.get("")
async def listed(visit: AccessVisit) -> Response:
    return await _drawn(visit)


@router.post("")
async def give(visit: GrantingVisit, submission: SubmissionDep) -> Response:
    submission.check(visit)
    if submission.form.value("step") == "find":
        return await _drawn(visit, submission.form)

    async def act() -> Done:
        given = submission.form.read(NewGrant, visit)
        if given.reach is not Reach.COMPANY and not given.place:
            raise _unchosen(visit, given.reach)
        wanted = Wanted(
            await org.person_named(visit.session, given.person),
            given.bundle,
            given.reason,
            given.reach,
            given.place,
            _end_of(given.until, visit),
        )
        if await access.is_wide(visit.session, wanted):
            wish = Wish(TwoPersonAct.ACCESS_GRANT, _payload(given, wanted), visit.viewer.person, given.reason)
            answer = await confirmations.ask_or_do(visit.session, wish, now=visit.now)
            if isinstance(answer, Asked):
                asked = visit.say(phrase("已请另一个人确认，确认之后才授予。"))
                return Done(addresses.me_confirmation(answer.row.id), asked)
        else:
            actor, authority = visit.viewer.actor, visit.authority
            await access.grant(visit.session, wanted, actor=actor, authority=authority, now=visit.now)
        return Done(HOME, visit.say(phrase("已授予“{name}”。"), name=wanted.person.name))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, form, status)

    return await submission.carry_out(visit, act, again=again)


@router.post("/{grant_id}/revoke")
async def revoke(grant_id: UUID, visit: GrantingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        await access.revoke(visit.session, grant_id, actor=visit.viewer.actor, authority=visit.authority, now=visit.now)
        return Done(HOME, visit.say(phrase("已收回。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, form, status)

    async def foresee() -> Preview:
        return await previews.of_revoking(visit, grant_id, home=HOME)

    return await submission.carry_out(visit, act, again=again, foresee=foresee)


def _payload(given: NewGrant, wanted: Wanted) -> dict[str, Any]:
    ends_at = wanted.ends_at.isoformat() if wanted.ends_at else None
    return {
        **given.model_dump(mode="json", include={"person", "bundle", "reason", "reach"}),
        "place": given.place,
        "ends_at": ends_at,
    }


def _unchosen(visit: Visit, reach: Reach) -> FaultyForm:
    said = phrase("请查找并选择一个部门") if reach is Reach.DEPARTMENT else phrase("请查找并选择一个群")
    faults = {reach.value: visit.say(said)}
    return FaultyForm("请检查标出的内容", "Please look at the fields that are marked", faults=faults)


def _end_of(day: date | None, visit: Visit) -> datetime | None:
    """To the end of the day, in the company's zone."""
    if day is None:
        return None
    try:
        return datetime.combine(day, time.max, tzinfo=visit.reader.zone)
    except (OverflowError, ValueError):
        raise FaultyForm("日期超出范围", "The day is out of range", faults={"until": "日期超出范围"}) from None


async def _drawn(visit: Visit, form: Form = EMPTY, status: int = 200) -> Response:
    document = (await policies.in_force(visit.session, now=visit.now)).document
    bundles = access.bundles_of(document)
    grants = await access.living_grants(visit.session, now=visit.now)
    sight = visit.sight(Permission.ACCESS_GRANT)
    givers = [one.granted_by.removeprefix("person:") for one in grants if one.granted_by.startswith("person:")]
    named = await org.named_people(visit.session, {*(one.person_id for one in grants), *map(UUID, givers)})
    return visit.draw(
        "console/access.html",
        status=status,
        form=form,
        done=await said_to(visit),
        bundles=bundles,
        offered={key: rule for key, rule in bundles.items() if rule.reach is not Reach.OWN},
        grants=grants,
        named=named,
        givers={f"person:{one.id}": one for one in named.values()},
        may_grant=may(visit, Permission.ACCESS_GRANT),
        needs_two=await policies.needs_two_people(visit.session, TwoPersonAct.ACCESS_GRANT, now=visit.now),
        picked=await chosen_people(visit, form, "person"),
        departments=await chosen_departments(visit, form, "department", sight),
        groups=await chosen_groups(visit, form, "group", sight),
        **await _places(visit, grants),
    )


async def _places(visit: Visit, grants: Sequence[AccessGrant]) -> dict[str, Any]:
    """The names of the departments and groups that grants are for."""
    within = [int(one.place) for one in grants if one.reach == Reach.DEPARTMENT]
    inside = [UUID(one.place) for one in grants if one.reach == Reach.GROUP]
    named = await org_queries.department_names(visit.session, within)
    found = await group_queries.groups_by_id(visit.session, inside)
    return {
        "department_names": {str(number): name for number, name in named.items()},
        "group_names": {str(one.id): one.observed_name or one.desired_name for one in found.values()},
    }
