"""What people do in the console that programs do by REST: groups administered and compared, returned accounts, keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from app.access import service as access
from app.audit.actor import SYSTEM
from app.database import transaction
from app.policy import service as policies
from models.access import ActAs, ApiKey
from models.approvals import Request
from models.audit import AuditEntry
from models.confirmations import Confirmation
from models.groups import FindingKind, Group, GroupFinding
from models.ids import new_id
from models.org import Person, PersonStatus, PersonUserid, UseridReview
from tests.pages.furnished import Furniture, furnish
from tests.pages.operations import let
from tests.pages.world import Browser, House


@dataclass
class Desk:
    """An administrator's, in a company with something in it."""

    house: House
    things: Furniture
    browser: Browser

    @property
    def group(self) -> str:
        return f"/console/groups/{self.things.group}"

    async def comparisons(self) -> list[dict[str, Any]]:
        """What is queued, in its order."""
        statement = text("SELECT payload FROM pgqueuer WHERE entrypoint = 'groups.reconcile' ORDER BY id")
        async with self.house.services.sessions() as session:
            return [json.loads(payload) for payload in await session.scalars(statement)]

    async def trail(self, *actions: str) -> list[tuple[str, str, str, str | None]]:
        """Action, who, about what, by which rule."""
        statement = select(AuditEntry).where(col(AuditEntry.action).in_(actions)).order_by(col(AuditEntry.id))
        async with self.house.services.sessions() as session:
            rows = await session.scalars(statement)
            return [(row.action, row.actor_id, row.object_id, row.rule_key) for row in rows]


@pytest.fixture
async def desk(house: House) -> Desk:
    await let(house.services, house.company, "zhao", "administrator")
    async with transaction(house.services.sessions) as session:
        things = await furnish(session, house.company, now=house.clock.now())
    return Desk(house, things, await house.signed_in("zhao"))


async def finding(desk: Desk, group_id: UUID, kind: FindingKind = FindingKind.RENAMED) -> None:
    async with transaction(desk.house.services.sessions) as session:
        policy = await policies.in_force(session, now=desk.house.clock.now())
        session.add(
            GroupFinding(
                group_id=group_id,
                kind=kind,
                details={},
                policy_version_id=policy.id,
                rule_key="group.roster",
                correlation_id="0" * 32,
                first_seen_at=desk.house.clock.now(),
            )
        )


class TestGroups:
    async def test_a_change_of_another_name_changes_nothing(self, desk: Desk) -> None:
        await desk.browser.get(desk.group)
        form = desk.browser.hidden(f"{desk.group}/members/add") | {"person": "chen", "reason": "协助管理"}
        await desk.browser.post(f"{desk.group}/members/banana", form)
        assert "没有这个页面" in desk.browser.text

    async def test_another_deputy_is_registered(self, desk: Desk) -> None:
        await desk.browser.get(desk.group)
        form = desk.browser.hidden(f"{desk.group}/members/add") | {"person": "chen", "reason": "协助管理"}
        await desk.browser.post(f"{desk.group}/administration/deputy", form)
        assert "已登记为副群主" in desk.browser.text
        async with desk.house.services.sessions() as session:
            group = await session.get_one(Group, desk.things.group)
        assert group.deputy_id == desk.house.person("chen").id

    async def test_another_owner_is_asked(self, desk: Desk) -> None:
        await desk.browser.get(desk.group)
        form = desk.browser.hidden(f"{desk.group}/members/add") | {"person": "chen", "reason": "接手项目"}
        await desk.browser.post(f"{desk.group}/administration/owner", form)
        assert "已征求本人意见" in desk.browser.text
        async with desk.house.services.sessions() as session:
            kinds = list(await session.scalars(select(col(Request.kind))))
        assert "own_group" in kinds

    async def test_who_is_not_in_the_group_is_refused_with_what_was_typed(self, desk: Desk) -> None:
        await desk.browser.get(desk.group)
        form = desk.browser.hidden(f"{desk.group}/members/add") | {"person": "sun", "reason": "接手项目"}
        page = await desk.browser.post(f"{desk.group}/administration/owner", form)
        assert page.status_code == 404
        assert "接手项目" in page.text

    async def test_another_role_is_no_page(self, desk: Desk) -> None:
        await desk.browser.get(desk.group)
        form = desk.browser.hidden(f"{desk.group}/members/add") | {"person": "chen", "reason": "无"}
        assert (await desk.browser.post(f"{desk.group}/administration/king", form)).status_code == 404

    async def test_one_is_compared_and_a_loss_is_accepted_where_one_is_held(self, desk: Desk) -> None:
        page = await desk.browser.get(desk.group)
        assert "减少属实" not in page.text
        await desk.browser.send(f"{desk.group}/reconcile")
        assert "已安排核对这个群" in desk.browser.text
        await finding(desk, desk.things.group, FindingKind.ROSTER_LOSS)
        page = await desk.browser.get(desk.group)
        assert "减少属实" in page.text
        await desk.browser.send_seen(f"{desk.group}/reconcile", {"accept": "true"})
        jobs = await desk.comparisons()
        assert [(one["group_id"], one.get("accept_losses", False)) for one in jobs] == [
            (str(desk.things.group), False),
            (str(desk.things.group), True),
        ]
        zhao = str(desk.house.person("zhao").id)
        assert await desk.trail("group.comparison_asked", "group.loss_accepted") == [
            ("group.comparison_asked", zhao, str(desk.things.group), "group.roster"),
            ("group.loss_accepted", zhao, str(desk.things.group), "group.roster_loss"),
        ]

    async def test_all_are_compared(self, desk: Desk) -> None:
        await desk.browser.get("/console/groups")
        await desk.browser.send("/console/groups/reconcile")
        assert "已安排核对所有的群" in desk.browser.text
        assert len(await desk.comparisons()) == 1
        [(_, who, what, rule)] = await desk.trail("groups.comparison_asked")
        assert (who, what, rule) == (str(desk.house.person("zhao").id), "groups", "group.roster")

    async def test_who_heads_a_department_compares_nothing_of_the_company(self, desk: Desk) -> None:
        wang = await desk.house.signed_in("wang")
        page = await wang.get("/console/groups")
        assert "现在核对所有的群" not in page.text
        assert (await wang.post("/console/groups/reconcile")).status_code == 403

    async def test_findings_of_all_groups_stand_in_one_list(self, desk: Desk) -> None:
        await finding(desk, desk.things.group)
        await finding(desk, desk.things.confidential, FindingKind.OWNER_LEFT)
        await desk.browser.get("/console/groups/findings")
        assert "群被改名" in desk.browser.text
        assert "群主离开" in desk.browser.text
        wang = await desk.house.signed_in("wang")
        await wang.get("/console/groups/findings")
        assert "群被改名" in wang.text
        assert "群主离开" not in wang.text, "of a group that she does not see"
        page = await desk.browser.get("/console")
        assert 'href="/console/groups/findings?state=open"' in page.text

    async def test_without_findings_the_list_says_so(self, desk: Desk) -> None:
        await desk.browser.get("/console/groups/findings")
        assert "没有待处理的差异" in desk.browser.text
        await desk.browser.get("/console/groups/findings?state=resolved")
        assert "没有这样的差异" in desk.browser.text


PATH = "/console/people/returned"


class TestReturned:
    async def test_the_same_human_being_is_linked(self, desk: Desk) -> None:
        former = await self._came_back(desk)
        await desk.browser.get(PATH)
        assert "周平" in desk.browser.text
        await desk.browser.send(PATH, {"userid": "zhou", "step": "linked"})
        assert "没有待确认的账号" in desk.browser.text
        async with desk.house.services.sessions() as session:
            person = await session.get_one(Person, former)
            review = (await session.scalars(select(UseridReview))).one()
        assert (review.decision, person.status) == ("linked", PersonStatus.ACTIVE)

    async def test_somebody_else_stays_somebody_else(self, desk: Desk) -> None:
        former = await self._came_back(desk)
        await desk.browser.get(PATH)
        await desk.browser.send(PATH, {"userid": "zhou", "step": "separate"})
        async with desk.house.services.sessions() as session:
            person = await session.get_one(Person, former)
            review = (await session.scalars(select(UseridReview))).one()
        assert (review.decision, person.status) == ("separate", PersonStatus.LEFT)

    @pytest.mark.parametrize("fields", [{"userid": "nobody", "step": "linked"}, {"step": "other"}])
    async def test_what_is_nothing_is_refused(self, desk: Desk, fields: dict[str, str]) -> None:
        await self._came_back(desk)
        await desk.browser.get(PATH)
        assert (await desk.browser.send(PATH, fields)).status_code in {404, 409}

    async def test_it_is_a_matter_of_the_whole_company(self, desk: Desk) -> None:
        wang = await desk.house.signed_in("wang")
        assert (await wang.get(PATH)).status_code == 403

    async def _came_back(self, desk: Desk) -> object:
        now = desk.house.clock.now()
        before = now - timedelta(days=9)
        former = Person(
            id=new_id(), name="周平", status=PersonStatus.LEFT, first_seen_at=before, updated_at=now, ended_at=now
        )
        newcomer = Person(id=new_id(), name="周平", status=PersonStatus.ACTIVE, first_seen_at=now, updated_at=now)
        async with transaction(desk.house.services.sessions) as session:
            session.add_all([former, newcomer])
            await session.flush()
            session.add(PersonUserid(person_id=former.id, userid="zhou", shown="zhou", started_at=before, ended_at=now))
            session.add(PersonUserid(person_id=newcomer.id, userid="zhou", shown="zhou", started_at=now))
            session.add(
                UseridReview(userid="zhou", new_person_id=newcomer.id, former_person_id=former.id, found_at=now)
            )
        return former.id


class TestKeys:
    async def test_another_person_confirms_for_whom_a_key_acts(self, desk: Desk) -> None:
        await let(desk.house.services, desk.house.company, "han", "administrator")
        async with transaction(desk.house.services.sessions) as session:
            row, _ = await access.create_key(
                session, name="报表系统", scopes=["org:read"], actor=SYSTEM, now=desk.house.clock.now()
            )
        path = f"/console/keys/{row.id}"
        await desk.browser.get(path)
        await desk.browser.send(f"{path}/whom", {"act_as": "departments", "departments": ["1", "2"]})
        assert "确认之后才更改" in desk.browser.text
        async with desk.house.services.sessions() as session:
            asked = (await session.scalars(select(Confirmation))).one()
            key = await session.get_one(ApiKey, row.id)
        assert asked.payload == {"key_id": str(row.id), "act_as": "departments", "act_as_departments": [1, 2]}
        assert key.act_as is ActAs.NOBODY

    async def test_a_department_that_is_none_is_told_and_what_was_typed_stays(self, desk: Desk) -> None:
        await let(desk.house.services, desk.house.company, "han", "administrator")
        async with transaction(desk.house.services.sessions) as session:
            row, _ = await access.create_key(
                session, name="报表系统", scopes=["org:read"], actor=SYSTEM, now=desk.house.clock.now()
            )
        path = f"/console/keys/{row.id}"
        await desk.browser.get(path)
        page = await desk.browser.send(f"{path}/whom", {"act_as": "departments", "departments": "4711"})
        assert page.status_code == 400
        assert "4711" in desk.browser.text
