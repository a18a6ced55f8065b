"""What the kinds of requests about groups store, and what they no longer take from the applicant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.approvals import service as approvals
from app.approvals.errors import OwnRequest, UnreadablePayload
from app.approvals.service import Ballot
from app.database import transaction
from models.approvals import Verdict
from models.ids import RequestId
from models.org import PersonUserid
from tests.builders.groups import said_of
from tests.groups.office import Office

ASKED: dict[str, Any] = {"name": "研发部-新品项目", "type": "project", "purpose": "新品项目协作"}


class TestTheSubject:
    """Whom and what a request is about is found on submission and stays."""

    async def test_of_a_new_group_names_people_by_our_own_ids(self, office: Office) -> None:
        request = await office.apply("create_group", "li", **ASKED, owner="wang", members=["HAN", "zhao"])

        assert request.subject == {
            "name": "研发部-新品项目",
            "group_type": "project",
            "purpose": "新品项目协作",
            "department_id": None,
            "owner_id": str(office.id("wang")),
            "deputy_id": None,
            "member_ids": [str(office.id("han")), str(office.id("zhao"))],
            "departments": [],
            "confidentiality": "open",
        }

    async def test_of_a_membership_is_group_person_and_type(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "wang", group_id=str(group.id), person="SUN")

        assert request.subject == {
            "group_id": str(group.id),
            "person_id": str(office.id("sun")),
            "group_type": "project",
        }
        assert request.payload == {"group_id": str(group.id), "person": "SUN", "name": "", **said_of("join")}

    async def test_a_userid_that_changes_meanwhile_changes_nothing(self, office: Office) -> None:
        request = await office.apply("create_group", "li", **ASKED, owner="wang", members=["han", "zhao"])
        await rename(office, "han", "hanmei")

        await office.decide(request)
        await office.work()

        group = await office.group_of(request)
        assert group.roster_rule == {"userids": ["hanmei", "zhao"], "departments": [], "left_out": []}
        assert (await office.stay(group, "han")).desired

    async def test_whom_it_is_about_does_not_decide_it(self, office: Office) -> None:
        """F56, for whoever applies in their stead."""
        await office.hire_president()
        group = await office.project("li", "han", owner="qian")
        request = await office.apply("join", "qian", group_id=str(group.id), person="wang")
        ballot = Ballot(office.people["wang"], Verdict.APPROVE, "rest")
        async with transaction(office.sessions) as session:
            with pytest.raises(OwnRequest):
                await approvals.decide(session, ballot, request_id=RequestId(request.id), now=office.clock.now())


class TestThePayload:
    @pytest.mark.parametrize("kind", ["join", "exit"])
    @pytest.mark.parametrize("field", ["person_id", "group_type"])
    async def test_says_nothing_of_what_the_service_finds_out(self, office: Office, kind: str, field: str) -> None:
        group = await office.project("li", "han")
        with pytest.raises(UnreadablePayload, match=field):
            await office.apply(kind, "li", group_id=str(group.id), **{field: "x"})


async def rename(office: Office, userid: str, new: str) -> None:
    """As the organisation's sync does after a `change_contact` event with a new userid."""
    await office.sandbox.hire(new, "韩梅")
    now = office.clock.now() + timedelta(seconds=1)
    async with transaction(office.sessions) as session:
        statement = select(PersonUserid).where(col(PersonUserid.userid) == userid, col(PersonUserid.ended_at).is_(None))
        current = (await session.scalars(statement)).one()
        current.ended_at = now
        session.add(PersonUserid(person_id=current.person_id, userid=new, shown=new, started_at=now))
