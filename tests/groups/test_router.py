from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import select
from sqlmodel import col

from app.database import transaction
from app.groups.router import router as groups
from app.reconciliation.router import router as reconciliation
from app.settings import Settings
from models.audit import AuditEntry
from models.groups import Group, GroupState
from tests.company import serving
from tests.groups.office import Office


@pytest.fixture
async def rest(office: Office, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    router = APIRouter()
    router.include_router(reconciliation)
    router.include_router(groups)
    async with serving(office.sessions, office.clock, settings, scopes=["groups:write"]) as client:
        yield client


@pytest.fixture
async def project(office: Office) -> Group:
    return await office.project("li", "han", deputy="han")


async def items(rest: httpx.AsyncClient, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = await rest.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


class TestReading:
    """F35: the registry. D13: wanted and seen stand side by side. Every row cites its clause."""

    async def test_a_group_shows_what_is_registered_and_what_is_seen(
        self, rest: httpx.AsyncClient, project: Group
    ) -> None:
        group = (await rest.get(f"/groups/{project.id}")).json()

        assert group["name"] == {"desired": "研发部-新品项目", "observed": "研发部-新品项目"}
        assert group["owner"] == {"desired": "wang", "observed": "wang"}
        assert (group["deputy"], group["type"], group["state"]) == ("han", "project", "active")
        assert (group["rule"]["rule_key"], group["rule"]["clause"]) == ("group.create", "1.1")
        assert "群规" in group["charter"]

    async def test_groups_are_found_by_type_state_member_and_change(
        self, rest: httpx.AsyncClient, office: Office, project: Group
    ) -> None:
        other = await office.project("zhao", "qian", name="羽毛球", type="interest")
        for filters, expected in (
            ({}, [other, project]),
            ({"type": "interest"}, [other]),
            ({"state": GroupState.FAILED.value}, []),
            ({"member": "HAN"}, [project]),
            ({"updated_since": other.updated_at.isoformat()}, [other]),
        ):
            assert [one["id"] for one in await items(rest, "/groups", **filters)] == [str(one.id) for one in expected]

    async def test_the_roster_comes_in_pages(self, rest: httpx.AsyncClient, project: Group) -> None:
        first = (await rest.get(f"/groups/{project.id}/members", params={"limit": 2})).json()
        rest_of_it = await items(rest, f"/groups/{project.id}/members", cursor=first["next_cursor"])

        members = [*first["items"], *rest_of_it]
        assert [one["userid"] for one in members] == ["wang", "han", "li"]
        assert all(one["desired"] and one["observed"] and one["reason"] == "creation" for one in members)

    async def test_unknown_things_are_said_to_be_unknown(self, rest: httpx.AsyncClient) -> None:
        assert (await rest.get(f"/groups/{uuid4()}")).json()["type"] == "/problems/group-not-found"
        assert (await rest.get("/groups", params={"member": "nobody"})).status_code == 404


class TestFindings:
    async def test_a_comparison_on_request_shows_its_findings(
        self, rest: httpx.AsyncClient, office: Office, project: Group
    ) -> None:
        await office.sandbox.leave_group("li", project.chatid)

        answer = await rest.post(f"/groups/{project.id}/reconcile")
        assert (answer.status_code, answer.json()) == (202, {"queued": True})
        await office.work()

        (finding,) = await items(rest, f"/groups/{project.id}/findings", state="open")
        assert (finding["kind"], finding["userid"]) == ("unapproved_leave", "li")
        assert finding["rule"]["clause"] == "2.5"
        assert await items(rest, "/groups/findings") == [finding]
        former = await items(rest, f"/groups/{project.id}/members", former="true")
        assert [one["userid"] for one in former if one["reason"] == "unapproved_leave"] == ["li"]

    async def test_the_trail_names_who_asked_and_who_vouched(
        self, rest: httpx.AsyncClient, office: Office, project: Group
    ) -> None:
        await rest.post(f"/groups/{project.id}/reconcile")
        await rest.post(f"/groups/{project.id}/reconcile", json={"accept_losses": True})
        async with transaction(office.sessions) as session:
            asked = select(col(AuditEntry.action), col(AuditEntry.actor_kind)).where(
                col(AuditEntry.action).in_(["group.comparison_asked", "group.loss_accepted"])
            )
            rows = (await session.execute(asked.order_by(col(AuditEntry.id)))).all()
        assert [tuple(row) for row in rows] == [
            ("group.comparison_asked", "api_key"),
            ("group.loss_accepted", "api_key"),
        ]

    async def test_a_person_closes_one(self, rest: httpx.AsyncClient, office: Office, project: Group) -> None:
        await office.sandbox.leave_group("li", project.chatid)
        await rest.post("/groups/reconcile")
        await office.work()
        (finding,) = await items(rest, "/groups/findings", state="open")

        path = f"/groups/{project.id}/findings/{finding['id']}/resolve"
        closed = await rest.post(path, json={"resolution": "已谈话提醒"})

        assert (closed.json()["state"], closed.json()["resolution"]) == ("resolved", "已谈话提醒")
        assert (await rest.post(path, json={"resolution": "再次"})).status_code == 409


class TestChanging:
    """Policy 2.8: 群管理员可因故移出成员，须记录理由。"""

    async def test_members_are_put_in_and_taken_out_with_a_reason(
        self, rest: httpx.AsyncClient, office: Office, project: Group
    ) -> None:
        added = await rest.post(f"/groups/{project.id}/members", json={"person": "zhao", "reason": "新增"})
        assert (added.status_code, added.json()["desired"], added.json()["observed"]) == (202, True, False)
        await office.work()
        assert "zhao" in await office.roster(project)

        removed = await rest.delete(f"/groups/{project.id}/members/zhao", params={"reason": "项目结束"})
        assert (removed.status_code, removed.json()["desired"]) == (202, False)
        await office.work()
        assert "zhao" not in await office.roster(project)

    async def test_without_a_reason_nothing_happens(self, rest: httpx.AsyncClient, project: Group) -> None:
        assert (await rest.delete(f"/groups/{project.id}/members/li")).status_code == 422
        answer = await rest.post(f"/groups/{project.id}/members", json={"person": "zhao", "reason": " "})
        assert answer.status_code == 422

    async def test_the_same_idempotency_key_adds_once(
        self, rest: httpx.AsyncClient, office: Office, project: Group
    ) -> None:
        body = {"person": "zhao", "reason": "新增"}
        for _ in range(2):
            answer = await rest.post(f"/groups/{project.id}/members", json=body, headers={"Idempotency-Key": "k"})
            assert answer.status_code == 202
        assert len(await office.updates()) == 1

    async def test_another_owner_is_asked_and_a_deputy_changed_with_a_reason(
        self, rest: httpx.AsyncClient, office: Office, project: Group
    ) -> None:
        answer = await rest.patch(f"/groups/{project.id}", json={"owner": "li", "reason": "岗位调整"})
        assert answer.json()["owner"]["desired"] == "wang"
        asked = answer.json()["succession"]
        assert (asked["former"], asked["asked"], asked["is_vacant"]) == ("wang", "li", False)
        await office.answers(project)
        answer = await rest.get(f"/groups/{project.id}")
        assert (answer.json()["owner"]["desired"], answer.json()["succession"]) == ("li", None)
        assert (await office.sandbox.group(project.chatid))["owner"] == "li"

        refused = await rest.patch(f"/groups/{project.id}", json={"deputy": "zhao", "reason": "不在群内"})
        assert refused.json()["type"] == "/problems/not-a-member"

    async def test_a_group_is_not_created_here(self, rest: httpx.AsyncClient) -> None:
        assert (await rest.post("/groups", json={})).status_code == 405
