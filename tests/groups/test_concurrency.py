from __future__ import annotations

import asyncio

from app.database import transaction
from app.departures import jobs as departure_jobs
from app.errors import DomainError
from app.groups.errors import SizeRefused
from app.inbox.job_payloads import ReconcilePayload
from app.reconciliation import jobs as reconciliation_jobs
from models.groups import FindingKind
from models.ids import GroupId
from tests.builders.policy import policy
from tests.groups.office import Office
from tests.groups.test_roster import add


class TestAtTheSameMoment:
    """Jobs are at-least-once and may overlap; requests come when they like."""

    async def test_of_two_newcomers_one_gets_the_last_place(self, busy_office: Office) -> None:
        office = busy_office
        group = await office.project("li", "han")
        async with transaction(office.sessions) as session:
            await policy(session, groups__types__project__max_members=5)

        async def try_to_add(userid: str) -> DomainError | None:
            try:
                async with transaction(office.sessions) as session:
                    await add(session, office, group, userid)
            except DomainError as refusal:
                return refusal
            return None

        refusals = await asyncio.gather(try_to_add("zhao"), try_to_add("qian"))

        assert sorted(type(one).__name__ for one in refusals) == ["NoneType", SizeRefused.__name__]

    async def test_overlapping_comparisons_accuse_once(self, busy_office: Office) -> None:
        office = busy_office
        group = await office.project("li", "han")
        await office.sandbox.leave_group("han", group.chatid)

        payload = ReconcilePayload(group_id=GroupId(group.id))
        await asyncio.gather(*(reconciliation_jobs.reconcile_groups(office.ctx, payload) for _ in range(4)))
        await office.work()

        assert await office.kinds_found(group) == [FindingKind.UNAPPROVED_LEAVE]
        assert len(await office.messages("group.finding")) == 1

    async def test_overlapping_departures_remove_once(self, busy_office: Office) -> None:
        office = busy_office
        group = await office.project("li", "han", deputy="han")
        payload = await office.leaves_the_company("wang", "disabled")

        await asyncio.gather(*(departure_jobs.person_departed_before(office.ctx, payload) for _ in range(4)))
        await office.work()
        assert await office.updates() == []
        await office.answers(group)

        assert len(await office.updates()) == 1
        assert (await office.sandbox.group(group.chatid))["owner"] == "han"

    async def test_a_departure_and_a_comparison_agree(self, busy_office: Office) -> None:
        office = busy_office
        group = await office.project("li", "han", "zhao")
        payload = await office.leaves_the_company("zhao", "disabled")
        await office.sandbox.remove_from_group(group.chatid, "zhao")

        await asyncio.gather(
            departure_jobs.person_departed_before(office.ctx, payload),
            reconciliation_jobs.reconcile_groups(office.ctx, ReconcilePayload(group_id=GroupId(group.id))),
        )
        await office.work()

        assert await office.findings(group, None) == []
        assert (await office.stay(group, "zhao")).ended_at is not None
