"""A change of several people, and what becomes of it for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.database import transaction
from app.groups import queries, service
from app.groups.changes.cause import Cause
from app.groups.changes.outcomes import SETTLE
from app.groups.changes.record import order_update
from app.groups.changes.update import Account, GroupUpdate, remaining
from app.groups.errors import ChangeUnderWay
from app.ledger.service import CallPayload, Resolution, resolve_call
from models.delivery import CallKind, CallState
from models.groups import FindingKind, Group, GroupChange, GroupChangePerson, GroupMember
from models.ids import GroupId, fold
from tests.groups.office import Office

ZHAO, QIAN, SUN = (Account(userid, UUID(int=number)) for number, userid in enumerate(("Zhao", "qian", "sun")))


class TestWhatIsMissing:
    UPDATE = GroupUpdate(add=(ZHAO, QIAN), remove=(SUN,), owner="Zhao", name="新名")

    def test_nothing_when_the_group_is_as_asked_for(self) -> None:
        members = {fold("zhao"), fold("qian"), fold("li")}
        assert remaining(self.UPDATE, name="新名", owner="ZHAO", members=members) is None

    def test_each_person_the_owner_and_the_name_by_themselves(self) -> None:
        rest = remaining(self.UPDATE, name="旧名", owner="zhao", members={fold("zhao"), fold("sun")})
        assert rest == GroupUpdate(add=(QIAN,), remove=(SUN,), name="新名")
        assert self.UPDATE.without(rest) == GroupUpdate(add=(ZHAO,), owner="Zhao")

    def test_a_name_that_the_platform_has_cut_is_the_name(self) -> None:
        update = GroupUpdate(name="长" * 60)
        assert remaining(update, name="长" * 50, owner="li", members=set()) is None


async def add_in_one_call(office: Office, group: Group, *userids: str) -> None:
    async with transaction(office.sessions) as session:
        row = await queries.group_for_update(session, GroupId(group.id))
        cause = Cause("added", "group.roster", row.policy_version_id, SYSTEM)
        stays = [
            GroupMember(group_id=row.id, person_id=office.id(userid), reason="added", desired_since=office.clock.now())
            for userid in userids
        ]
        session.add_all(stays)
        update = GroupUpdate(add=tuple(Account(userid, office.id(userid)) for userid in userids))
        change = await order_update(session, row, update, cause=cause, now=office.clock.now())
        for stay in stays:
            stay.call_id = change.call_id


async def updates_of(office: Office, group: Group) -> list[GroupChange]:
    """The changes after the creation, the oldest first."""
    async with office.sessions() as session:
        statement = select(GroupChange).where(col(GroupChange.group_id) == group.id, col(GroupChange.kind) == "update")
        return list(await session.scalars(statement.order_by(col(GroupChange.id))))


async def states(office: Office, change: GroupChange) -> dict[str, str]:
    async with office.sessions() as session:
        statement = select(GroupChangePerson).where(col(GroupChangePerson.change_id) == change.id)
        return {row.userid: row.state.value for row in await session.scalars(statement)}


async def observed(office: Office, group: Group, userids: Sequence[str]) -> list[bool]:
    return [(await office.stay(group, userid)).observed for userid in userids]


class TestPartialFailure:
    """86216 refuses the whole call because of one person in it."""

    async def test_who_is_in_already_is_done_and_the_other_is_ordered_again(self, office: Office) -> None:
        group = await office.project("li", "han")
        await add_in_one_call(office, group, "zhao", "qian")
        await office.sandbox.add_to_group(group.chatid, "zhao")
        await office.sandbox.fail("appchat/update", errcode=86216)

        await office.work()

        first, second = await updates_of(office, group)
        assert await states(office, first) == {"zhao": "done", "qian": "failed"}
        assert await states(office, second) == {"qian": "done"}
        assert second.previous_id == first.id
        assert [body["add_user_list"] for body in await office.updates()] == [["zhao", "qian"], ["qian"]]
        assert await observed(office, group, ["zhao", "qian"]) == [True, True]
        assert (await office.actions()).count("member.joined") == 2
        assert "roster.failed" not in await office.actions()
        assert len(await office.messages("group.welcome")) == 2

    async def test_the_failure_of_the_other_leaves_the_first_done(self, office: Office) -> None:
        group = await office.project("li", "han")
        await add_in_one_call(office, group, "zhao", "qian")
        await office.sandbox.add_to_group(group.chatid, "zhao")
        await office.sandbox.fail("appchat/update", errcode=86216, times=2)

        await office.work()

        first, second = await updates_of(office, group)
        assert await states(office, first) == {"zhao": "done", "qian": "failed"}
        assert await states(office, second) == {"qian": "failed"}
        assert await observed(office, group, ["zhao", "qian"]) == [True, False]
        assert (await office.actions()).count("roster.failed") == 1

    async def test_a_second_look_at_the_same_refusal_orders_nothing(self, office: Office) -> None:
        group = await office.project("li", "han")
        await add_in_one_call(office, group, "zhao", "qian")
        await office.sandbox.add_to_group(group.chatid, "zhao")
        await office.sandbox.fail("appchat/update", errcode=86216)
        await office.work()
        actions = await office.actions()

        first, _ = await updates_of(office, group)
        await office.run_only(SETTLE, CallPayload(call_id=first.call_id))
        await office.work()

        assert len(await updates_of(office, group)) == 2
        assert await office.actions() == actions

    async def test_a_real_refusal_fails_for_everybody(self, office: Office) -> None:
        group = await office.project("li", "han")
        await add_in_one_call(office, group, "zhao", "qian")
        await office.sandbox.fail("appchat/update", errcode=86216)

        await office.work()

        (change,) = await updates_of(office, group)
        assert await states(office, change) == {"zhao": "failed", "qian": "failed"}
        async with office.sessions() as session:
            rows = await session.scalars(
                select(col(GroupChangePerson.error)).where(col(GroupChangePerson.change_id) == change.id)
            )
            assert all("86216" in str(error) for error in rows)


class TestUnknownOutcome:
    """Nobody knows whether the platform carried the call out: a snapshot settles it person by person."""

    async def test_who_shows_is_done_and_the_other_stays_unknown(self, office: Office) -> None:
        group = await _lost_answer(office)
        await office.sandbox.add_to_group(group.chatid, "zhao")

        await office.reconcile(group)

        (change,) = await updates_of(office, group)
        assert await states(office, change) == {"zhao": "done", "qian": "unknown"}
        assert await observed(office, group, ["zhao", "qian"]) == [True, False]
        (call,) = await office.calls(CallKind.APPCHAT_UPDATE)
        assert call.state is CallState.UNKNOWN
        assert await office.findings(group, None) == []

    async def test_who_is_settled_is_compared_again_while_the_other_is_left_alone(self, office: Office) -> None:
        group = await _lost_answer(office)
        await office.sandbox.add_to_group(group.chatid, "zhao")
        await office.reconcile(group)
        await office.sandbox.leave_group("zhao", group.chatid)

        await office.reconcile(group)

        (finding,) = await office.findings(group)
        assert (finding.kind, finding.person_id) == (FindingKind.UNAPPROVED_LEAVE, office.id("zhao"))

    async def test_a_later_snapshot_settles_the_rest(self, office: Office) -> None:
        group = await _lost_answer(office)
        for userid in ("zhao", "qian"):
            await office.sandbox.add_to_group(group.chatid, userid)
            await office.reconcile(group)

        (change,) = await updates_of(office, group)
        assert await states(office, change) == {"zhao": "done", "qian": "done"}
        (call,) = await office.calls(CallKind.APPCHAT_UPDATE)
        assert call.state is CallState.DONE
        assert (await office.actions()).count("member.joined") == 2

    async def test_a_person_may_say_that_the_rest_failed(self, office: Office) -> None:
        group = await _lost_answer(office)
        await office.sandbox.add_to_group(group.chatid, "zhao")
        await office.reconcile(group)
        (call,) = await office.calls(CallKind.APPCHAT_UPDATE)

        async with transaction(office.sessions) as session:
            await resolve_call(
                session, call_id=call.id, resolution=Resolution.FAILED, actor=office.actor, now=office.clock.now()
            )

        (change,) = await updates_of(office, group)
        assert await states(office, change) == {"zhao": "done", "qian": "failed"}
        assert await observed(office, group, ["zhao", "qian"]) == [True, False]


class TestCallsThatReplaceOthers:
    """The ledger looks at the group and asks for the rest by another call: the change is still one."""

    async def test_the_last_call_settles_the_change(self, office: Office) -> None:
        group = await _half_done(office)
        await office.pass_time(hours=1)

        (change,) = await updates_of(office, group)
        replaced, rest = await office.calls(CallKind.APPCHAT_UPDATE)
        assert (change.call_id, rest.previous_id, rest.state) == (replaced.id, replaced.id, CallState.DONE)
        assert await states(office, change) == {"zhao": "done", "qian": "done"}
        assert await observed(office, group, ["zhao", "qian"]) == [True, True]

    async def test_it_is_under_way_until_then(self, office: Office) -> None:
        group = await _half_done(office)
        _, rest = await office.calls(CallKind.APPCHAT_UPDATE)

        with pytest.raises(ChangeUnderWay) as refused:
            async with transaction(office.sessions) as session:
                await service.remove_by_hand(
                    session,
                    group_id=GroupId(group.id),
                    person=office.people["qian"],
                    reason="弄错了",
                    actor=office.actor,
                    now=office.clock.now(),
                )

        assert refused.value.facts["call_id"] == str(rest.id)

    async def test_a_refusal_of_the_last_call_is_looked_at_for_the_whole_change(self, office: Office) -> None:
        group = await _half_done(office)
        await office.sandbox.clear_faults()
        await office.sandbox.fail("appchat/update", errcode=86216)
        await office.pass_time(hours=1)

        first, second = await updates_of(office, group)
        assert await states(office, first) == {"zhao": "done", "qian": "failed"}
        assert await states(office, second) == {"qian": "done"}
        assert await observed(office, group, ["zhao", "qian"]) == [True, True]


async def _lost_answer(office: Office) -> Group:
    """Two people were asked for in one call that never reached the platform, and its outcome is unknown."""
    group = await office.project("li", "han")
    await add_in_one_call(office, group, "zhao", "qian")
    await office.sandbox.fail("appchat/update", timeout=True, when="before")
    await office.sandbox.fail("appchat/get", errcode=999_999, times=None)
    await office.work()
    await office.exhaust(CallKind.APPCHAT_UPDATE)
    await office.sandbox.clear_faults()
    (change,) = await updates_of(office, group)
    assert await states(office, change) == {"zhao": "unknown", "qian": "unknown"}
    return group


async def _half_done(office: Office) -> Group:
    """The ledger has found one of two people in the group and asks for the other, but cannot get through."""
    group = await office.project("li", "han")
    await add_in_one_call(office, group, "zhao", "qian")
    await office.sandbox.fail("appchat/update", timeout=True, when="before")
    await office.work()
    await office.sandbox.add_to_group(group.chatid, "zhao")
    await office.sandbox.fail("appchat/update", errcode=-1)
    office.clock.advance(timedelta(seconds=1))
    await office.pass_time(minutes=5)
    assert [call.state for call in await office.calls(CallKind.APPCHAT_UPDATE)] == [CallState.REPLACED, CallState.HELD]
    return group
