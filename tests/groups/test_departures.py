from __future__ import annotations

from app.database import transaction
from app.ledger.service import Resolution, resolve_call
from app.sync.job_payloads import PERSON_DEPARTED
from models.approvals import OutcomeState, RequestState
from models.delivery import CallKind
from models.groups import FindingKind, Group
from tests.groups.office import Office


class TestDeparture:
    """Policy 2.6: 员工离职，退出全部工作群。"""

    async def test_who_is_disabled_is_taken_out_of_every_group(self, office: Office) -> None:
        first = await office.project("li", "han")
        second = await office.project("li", "han", name="研发部-老项目")

        await office.departed(await office.leaves_the_company("han", "disabled"))

        for group in (first, second):
            assert await office.roster(group) == {"wang", "li"}
            stay = await office.stay(group, "han")
            assert (stay.desired, stay.observed, stay.reason) == (False, False, "departure")
            assert stay.ended_at is not None
        assert len(await office.updates()) == 2

    async def test_who_was_deleted_on_the_platform_needs_no_call(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.delete_person("han")

        await office.departed(await office.leaves_the_company("han"))

        assert await office.updates() == []
        assert (await office.stay(group, "han")).ended_at is not None
        await office.reconcile(group)
        assert await office.findings(group, None) == []

    async def test_a_second_run_of_the_job_changes_nothing(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="li")
        payload = await office.leaves_the_company("wang", "disabled")
        await office.departed(payload)
        await office.answers(group)
        updates, actions = await office.updates(), await office.actions()

        await office.departed(payload)

        assert (await office.updates(), await office.actions()) == (updates, actions)
        assert len(updates) == 1
        assert await office.findings(group, None) == []

    async def test_two_runs_before_the_call_is_made_ask_once(self, office: Office) -> None:
        await office.project("li", "han")
        payload = await office.leaves_the_company("han", "disabled")

        await office.run_only(PERSON_DEPARTED, payload)
        await office.run_only(PERSON_DEPARTED, payload)

        assert len(await office.updates()) == 1

    async def test_an_application_under_way_is_told_that_it_comes_to_nothing(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.decide(await office.apply("join", "zhao", group_id=str(group.id)))

        await office.run_only(PERSON_DEPARTED, await office.leaves_the_company("zhao"))

        failed = await office.request(request)
        assert failed.outcome is OutcomeState.FAILED
        assert "离职" in str(failed.outcome_detail)

    async def test_an_application_nobody_has_decided_is_withdrawn(self, office: Office) -> None:
        """8.2: 离职时，待办审批先行交接。"""
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id))

        await office.run_only(PERSON_DEPARTED, await office.leaves_the_company("zhao"))

        assert (await office.request(request)).state is RequestState.WITHDRAWN

    async def test_fewer_than_two_would_remain_so_a_person_is_asked(self, office: Office) -> None:
        group = await office.project("li")

        await office.departed(await office.leaves_the_company("li", "disabled"))

        assert await office.updates() == []
        assert await office.kinds_found(group) == [FindingKind.TOO_FEW]
        await office.reconcile(group)
        assert await office.kinds_found(group) == [FindingKind.TOO_FEW]
        assert len(await office.messages("group.finding")) == 1


class TestDeputysDeparture:
    async def test_a_departed_deputy_is_told_to_the_owner(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="han")

        await office.departed(await office.leaves_the_company("han", "disabled"))

        assert (await office.now(group)).deputy_id is None
        (text,) = await office.messages("group.finding")
        assert "请确定新的副群主" in text


class TestWhatThePlatformMakesOfIt:
    async def test_a_lost_group_is_found_lost(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.dismiss_group(group.chatid)

        await office.departed(await office.leaves_the_company("han", "disabled"))

        assert await office.kinds_found(group) == [FindingKind.DISSOLVED]

    async def test_an_unknown_outcome_is_settled_by_a_reading(self, office: Office) -> None:
        group = await _unknown_removal(office)

        await office.reconcile(group)

        (call,) = await office.calls(CallKind.APPCHAT_UPDATE)
        assert call.state == "done"
        assert (await office.stay(group, "han")).ended_at is not None
        assert await office.findings(group, None) == []

    async def test_or_by_a_person(self, office: Office) -> None:
        group = await _unknown_removal(office)
        (call,) = await office.calls(CallKind.APPCHAT_UPDATE)

        async with transaction(office.sessions) as session:
            await resolve_call(
                session, call_id=call.id, resolution=Resolution.DONE, actor=office.actor, now=office.clock.now()
            )

        assert (await office.stay(group, "han")).ended_at is not None


async def _unknown_removal(office: Office) -> Group:
    """The removal took effect, its answer was lost, and nobody could look for a while."""
    group = await office.project("li", "han")
    await office.sandbox.fail("appchat/update", timeout=True, when="after")
    payload = await office.leaves_the_company("han", "disabled")
    await office.departed(payload)
    await office.sandbox.fail("appchat/get", errcode=999_999, times=None)
    await office.exhaust(CallKind.APPCHAT_UPDATE)
    await office.sandbox.clear_faults()
    (call,) = await office.calls(CallKind.APPCHAT_UPDATE)
    assert call.state == "unknown"
    return group


class TestWhoWasNotReadOnce:
    """P6: one reading that left people out takes nothing from them."""

    async def test_an_owner_who_leaves_is_followed_by_them(self, office: Office) -> None:
        group = await office.project("li", "han")
        for userid in ("li", "han"):
            await office.leaves_the_company(userid, "missing")

        await office.departed(await office.leaves_the_company("wang", "disabled"))
        await office.answers(group)

        assert (await office.now(group)).desired_owner_id in {office.id("li"), office.id("han")}

    async def test_they_join_by_application(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.leaves_the_company("zhao", "missing")
        request = await office.granted("join", "zhao", group_id=str(group.id))

        assert request.outcome is OutcomeState.DONE
        assert "zhao" in await office.roster(group)


class TestADissolvedGroup:
    """2.1: nobody waits for an answer that can have no effect."""

    async def test_a_pending_application_ends_and_everybody_is_told(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id))
        await office.sandbox.dismiss_group(group.chatid)

        await office.reconcile(group)

        ended = await office.request(request)
        assert (ended.state, ended.outcome_detail) == (RequestState.WITHDRAWN, "群已解散")
        assert any("群已解散，这份申请随之结束" in text for text in await office.messages("approval.progress"))
        assert "request.withdrawn" in await office.actions()
