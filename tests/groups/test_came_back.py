"""P6: what a wrong reading has done is put right by the next good one, at once and without a new decision."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals import queries as request_queries
from app.audit.actor import SYSTEM
from app.audit.why import Why
from app.database import transaction
from app.events.service import catalogue, publish
from app.groups import service
from app.groups.jobs import TRY_AGAIN
from app.jobs.job import Nothing
from app.org import service as organisation
from models.approvals import OutcomeState, RequestState, Verdict
from models.groups import FindingKind, Group
from models.ids import GroupId, PersonId, new_id
from models.org import Department, Membership, OrgChange, Person, PersonStatus, PersonUserid
from tests.builders import org
from tests.builders.policy import policy
from tests.company import PERSONNEL, RESEARCH
from tests.groups.office import Office

DEPARTMENT_GROUP: dict[str, Any] = {
    "name": "研发部-日常",
    "type": "department",
    "purpose": "部门日常",
    "department_id": RESEARCH,
}


class TestFoundedWhileSomeWereNotRead:
    """2.7: 应当在群内而未加入的补入 … the founders of a department's group are its people, not those read that day."""

    async def test_they_come_in_as_founders_when_they_are_read_again(self, office: Office) -> None:
        await out_of_sight(office, "han", "sun")
        request = await office.granted("create_group", "li", **DEPARTMENT_GROUP)
        group = await office.group_of(request)
        assert await office.roster(group) == {"wang", "li", "zhao", "qian"}

        await read_again(office, "sun")
        await office.work()

        assert await office.roster(group) == {"wang", "li", "zhao", "qian", "sun"}
        stay = await office.stay(group, "sun")
        assert (stay.desired, stay.observed, stay.reason) == (True, True, "creation")
        assert (await office.request(request)).outcome is OutcomeState.DONE
        await read_again(office, "han")
        await office.work()
        assert await office.roster(group) == {"wang", "li", "zhao", "qian", "han", "sun"}

    async def test_the_owner_hears_who_is_wanting_and_who_came_and_they_are_welcomed(self, office: Office) -> None:
        await out_of_sight(office, "sun")
        await office.granted("create_group", "li", **DEPARTMENT_GROUP)
        told = await office.messages("group.finding")
        assert any("读不到 孙悦 的资料，这 1 人没有加入" in text for text in told)

        await read_again(office, "sun")
        await office.work()

        told = await office.messages("group.finding")
        assert [text for text in told if "孙悦 的资料已能读到，正在补入“研发部-日常”" in text]
        assert len(await office.messages("group.welcome")) == 1

    async def test_a_second_look_finds_nothing_to_do(self, office: Office) -> None:
        await out_of_sight(office, "sun")
        await office.granted("create_group", "li", **DEPARTMENT_GROUP)
        await read_again(office, "sun")
        await office.work()
        calls = len(await office.updates())

        await office.run_only(TRY_AGAIN, Nothing())
        await office.work()

        assert len(await office.updates()) == calls
        assert len(await office.messages("group.finding")) == 2

    async def test_who_was_read_as_a_leaver_comes_in_once_they_are_linked(self, office: Office) -> None:
        await read_as_a_leaver(office, "sun")
        group = await office.group_of(await office.granted("create_group", "li", **DEPARTMENT_GROUP))
        assert "sun" not in await office.roster(group)
        assert not await office.messages("group.finding"), "of a leaver nobody expects it"

        await linked_again(office, "sun")
        await office.work()

        assert "sun" in await office.roster(group)

    async def test_who_is_elsewhere_by_then_does_not(self, office: Office) -> None:
        await out_of_sight(office, "sun")
        group = await office.group_of(await office.granted("create_group", "li", **DEPARTMENT_GROUP))
        async with transaction(office.sessions) as session:
            of_sun = update(Membership).where(col(Membership.person_id) == office.id("sun"))
            await session.execute(of_sun.values(department_id=PERSONNEL))

        await read_again(office, "sun")
        await office.work()

        assert "sun" not in await office.roster(group)

    async def test_who_is_not_activated_applies_for_themselves(self, office: Office) -> None:
        await out_of_sight(office, "sun", status=PersonStatus.NOT_ACTIVATED)
        group = await office.group_of(await office.granted("create_group", "li", **DEPARTMENT_GROUP))
        assert not await office.messages("group.finding")

        await read_again(office, "sun")
        await office.work()

        assert "sun" not in await office.roster(group)

    async def test_a_full_group_says_so(self, office: Office) -> None:
        await out_of_sight(office, "sun")
        async with transaction(office.sessions) as session:
            await policy(session, groups__types__department__max_members=6)
        group = await office.group_of(await office.granted("create_group", "li", **DEPARTMENT_GROUP))

        await read_again(office, "sun")
        await office.work()

        assert "sun" not in await office.roster(group)
        told = await office.messages("group.finding")
        assert [text for text in told if "不能补入“研发部-日常”：" in text and "最多 5 人" in text]

    async def test_nobody_expects_it_after_a_week(self, office: Office) -> None:
        await out_of_sight(office, "sun")
        group = await office.group_of(await office.granted("create_group", "li", **DEPARTMENT_GROUP))
        office.clock.advance(timedelta(days=8))

        await read_again(office, "sun")
        await office.work()

        assert "sun" not in await office.roster(group)


class TestReadAsALeaver:
    """D17: nobody inherits unasked. Once a person says who it is, what the wrong reading took is given back."""

    async def test_they_are_in_their_groups_again_and_the_owner_is_told(self, office: Office) -> None:
        group = await office.project("li", "han", "zhao")
        await departs(office, "han")
        assert "han" not in await office.roster(group)

        await linked_again(office, "han")
        await office.work()

        assert "han" in await office.roster(group)
        assert (await office.stay(group, "han")).reason == "returned"
        told = await office.messages("group.finding")
        assert [text for text in told if "管理员已确认账号属于同一人，韩梅 正在重新加入" in text]

    async def test_who_is_back_elsewhere_in_the_company_applies_and_the_owner_is_told_once(
        self, office: Office
    ) -> None:
        group = await office.project("li", "han", "zhao")
        await departs(office, "han")

        await linked_again(office, "han", department=PERSONNEL)
        await office.work()
        office.clock.advance(timedelta(hours=1))
        await office.run_only(TRY_AGAIN, Nothing())
        await office.work()

        assert "han" not in await office.roster(group)
        [told] = [text for text in await office.messages("group.finding") if "韩梅" in text]
        assert told == (
            "【未重新加入】管理员已确认 韩梅 与离职的原成员是同一人；其部门与离职前不同，"
            "因此没有重新加入“研发部-新品项目”。\n需要加入的，请由本人申请。"
        )
        assert (await office.actions()).count("member.stays_out") == 1
        await office.granted("join", "han", group_id=str(group.id))
        assert "han" in await office.roster(group)

    async def test_who_was_linked_by_the_release_before_is_taken_back_as_it_would_have(self, office: Office) -> None:
        """It did not keep whether a department is the same."""
        group = await office.project("li", "han", "zhao")
        await departs(office, "han")
        await linked_again(office, "han", department=PERSONNEL)
        async with transaction(office.sessions) as session:
            linked = update(OrgChange).where(col(OrgChange.change) == "rejoined")
            await session.execute(linked.values(after={"userid": "han"}))

        await office.work()

        assert "han" in await office.roster(group)

    async def test_nobody_is_put_into_a_confidential_group_unasked(self, office: Office) -> None:
        group = await office.project("li", "han", "zhao", confidentiality="confidential")
        await departs(office, "han")

        await linked_again(office, "han")
        await office.work()

        assert "han" not in await office.roster(group)
        [text] = [text for text in await office.messages("group.finding") if "韩梅" in text]
        assert "保密群的成员须逐一确认，因此没有重新加入“研发部-新品项目”" in text

    async def test_who_leaves_the_group_afterwards_stays_out(self, office: Office) -> None:
        group = await office.project("li", "han", "zhao")
        await departs(office, "han")
        await linked_again(office, "han")
        await office.work()
        await office.granted("exit", "han", group_id=str(group.id))

        await office.run_only(TRY_AGAIN, Nothing())
        await office.work()

        assert "han" not in await office.roster(group)

    async def test_who_comes_back_after_months_applies_anew(self, office: Office) -> None:
        group = await office.project("li", "han", "zhao")
        await departs(office, "han")
        office.clock.advance(timedelta(days=90))

        await linked_again(office, "han")
        await office.work()

        assert "han" not in await office.roster(group)

    async def test_a_join_that_ended_with_them_is_carried_out(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id))
        await read_as_a_leaver(office, "zhao")
        assert (await office.decide(request)).outcome is OutcomeState.FAILED

        await linked_again(office, "zhao")
        await office.work()

        assert (await office.request(request)).outcome is OutcomeState.DONE
        assert "zhao" in await office.roster(group)

    async def test_what_they_had_applied_for_is_handed_in_again(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id))
        await departs(office, "zhao")
        former = await office.request(request)
        assert (former.state, former.outcome_detail) == (RequestState.WITHDRAWN, "申请人已离职")

        await linked_again(office, "zhao")
        await office.work()

        async with office.sessions() as session:
            renewed = await request_queries.pending_about(session, kind="join", subject_key=former.subject_key)
        assert renewed is not None
        assert (renewed.requester_id, renewed.reason) == (office.id("zhao"), former.reason)
        assert f"已重新提交为 #{renewed.number}" in str((await office.request(request)).outcome_detail)
        told = await office.messages("approval.progress")
        assert [text for text in told if f"现按原内容重新提交为 #{renewed.number}" in text]

    async def test_what_cannot_be_handed_in_again_is_told(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id))
        await departs(office, "zhao")
        async with transaction(office.sessions) as session:
            await session.execute(update(Group).where(col(Group.id) == group.id).values(state="closed"))

        await linked_again(office, "zhao")
        await office.work()

        assert [text for text in await office.messages("approval.progress") if "现在不能按原内容重新提交" in text]
        assert "未能重新提交" in str((await office.request(request)).outcome_detail)

    async def test_a_departure_that_had_to_wait_takes_nothing_from_who_is_back(self, office: Office) -> None:
        group = await office.project("li", "han", "zhao")
        payload = await office.leaves_the_company("han", why="disabled")
        async with transaction(office.sessions) as session:
            (await session.get_one(Person, office.id("han"))).status = PersonStatus.ACTIVE

        await office.departed(payload)

        assert "han" in await office.roster(group)
        assert (await office.stay(group, "han")).desired


class TestAFounderWhoWasMissingAndIsGone:
    """The platform refuses the whole group for one account that is gone (86216): without them it comes to be."""

    async def test_the_group_is_founded_without_them(self, office: Office) -> None:
        await out_of_sight(office, "sun", status=PersonStatus.MISSING)
        await office.sandbox.delete_person("sun")
        request = await office.granted("create_group", "li", **DEPARTMENT_GROUP)
        assert (await office.request(request)).outcome is OutcomeState.FAILED
        await office.run_only(TRY_AGAIN, Nothing())
        assert (await office.request(request)).outcome is OutcomeState.FAILED

        office.clock.advance(timedelta(hours=6))
        await departs(office, "sun")
        await office.run_only(TRY_AGAIN, Nothing())
        await office.work()

        assert (await office.request(request)).outcome is OutcomeState.DONE
        assert await office.roster(await office.group_of(request)) == {"wang", "li", "zhao", "qian", "han"}


class TestAnOwnerWhoWentWhileNobodyWasRead:
    """1.9: nobody could be asked to follow. Whoever is read again is asked, and nobody has to name them."""

    async def test_who_is_read_again_is_asked_and_the_finding_is_over(self, office: Office) -> None:
        group = await self._ownerless(office)
        await office.reconcile(group)
        assert await office.asked_to_own(group) is None

        await read_again(office, "han")
        await office.work()

        [finding] = await office.findings(group, None)
        assert finding.resolution == "又读到了可以征求意愿的成员，已开始征求"
        assert await office.answers(group) == "韩梅"
        assert (await office.sandbox.group(group.chatid))["owner"] == "han"
        assert (await office.actions()).count("group.owner_left") == 1

    async def test_when_they_decline_it_is_found_anew_and_nobody_is_asked_twice(self, office: Office) -> None:
        group = await self._ownerless(office)
        await read_again(office, "han")
        await office.work()
        await office.answers(group, Verdict.REJECT)
        assert await office.kinds_found(group) == [FindingKind.OWNER_LEFT]
        await self._look_again(office)
        assert await office.asked_to_own(group) is None

        await read_again(office, "li")
        await office.work()
        assert await office.answers(group) == "李军"

    async def test_who_can_act_again_for_another_reason_is_not_asked_behind_a_persons_back(
        self, office: Office
    ) -> None:
        group = await self._ownerless(office)
        await out_of_sight(office, "han", status=PersonStatus.ACTIVE)
        await self._look_again(office)
        assert await office.asked_to_own(group) is None
        assert await office.kinds_found(group) == [FindingKind.OWNER_LEFT]

    async def test_whom_an_administrator_named_meanwhile_is_asked_alone(self, office: Office) -> None:
        group = await self._ownerless(office)
        await read_again(office, "han")
        async with transaction(office.sessions) as session:
            await service.change_owner(
                session,
                group_id=GroupId(group.id),
                owner=office.people["han"],
                deputy=None,
                reason="岗位调整",
                actor=office.actor,
                now=office.clock.now(),
            )
        await office.work()
        assert await office.kinds_found(group) == [FindingKind.OWNER_LEFT]
        assert await office.answers(group) == "韩梅"
        assert await office.findings(group) == []

    async def _ownerless(self, office: Office) -> Group:
        group = await office.project("li", "han", deputy="han")
        await out_of_sight(office, "li", "han")
        await office.departed(await office.leaves_the_company("wang", "disabled"))
        assert await office.kinds_found(group) == [FindingKind.OWNER_LEFT]
        return group

    async def _look_again(self, office: Office) -> None:
        async with transaction(office.sessions) as session:
            await told_of(session, office)
        await office.work()


class TestADepartmentThatWasNotRead:
    async def test_a_foundation_that_failed_for_it_comes_to_be(self, office: Office) -> None:
        request = await office.apply("create_group", "li", **DEPARTMENT_GROUP)
        async with transaction(office.sessions) as session:
            (await session.get_one(Department, RESEARCH)).ended_at = office.clock.now()
        request = await office.request(await office.decide(request))
        assert request.outcome is OutcomeState.FAILED

        office.clock.advance(timedelta(minutes=5))
        async with transaction(office.sessions) as session:
            (await session.get_one(Department, RESEARCH)).ended_at = None
            session.add(change(office, "department", str(RESEARCH), "restored"))
            await told_of(session, office)
        await office.work()

        assert (await office.request(request)).outcome is OutcomeState.DONE


# ---------------------------------------------------------------- readings


async def out_of_sight(office: Office, *userids: str, status: PersonStatus = PersonStatus.INVISIBLE) -> None:
    async with transaction(office.sessions) as session:
        for userid in userids:
            (await session.get_one(Person, office.id(userid))).status = status


async def read_again(office: Office, userid: str) -> None:
    """As a sync leaves it: status, the change, one event."""
    office.clock.advance(timedelta(minutes=5))
    async with transaction(office.sessions) as session:
        (await session.get_one(Person, office.id(userid))).status = PersonStatus.ACTIVE
        session.add(change(office, "person", str(office.id(userid)), "visible"))
        await told_of(session, office)


async def read_as_a_leaver(office: Office, userid: str) -> None:
    now = office.clock.now()
    async with transaction(office.sessions) as session:
        person = await session.get_one(Person, office.id(userid))
        person.status, person.ended_at = PersonStatus.LEFT, now
        for table in (PersonUserid, Membership):
            current = update(table).where(col(table.person_id) == person.id, col(table.ended_at).is_(None))
            await session.execute(current.values(ended_at=now))


async def departs(office: Office, userid: str) -> None:
    await read_as_a_leaver(office, userid)
    async with transaction(office.sessions) as session:
        left = catalogue.PersonDeparted(person_id=office.id(userid), why=catalogue.DepartureReason.LEFT)
        await publish(session, left, Why(SYSTEM), now=office.clock.now())
    await office.work()


async def linked_again(office: Office, userid: str, *, department: int = RESEARCH) -> None:
    """The account is there again, and a person says whose it is."""
    office.clock.advance(timedelta(hours=1))
    former = office.people[userid]
    async with transaction(office.sessions) as session:
        await org.person(session, userid, former.name, departments=[department])
        await organisation.link_userid(
            session, userid=userid, person_id=PersonId(former.id), actor=office.actor, now=office.clock.now()
        )


def change(office: Office, kind: str, object_id: str, word: str) -> OrgChange:
    return OrgChange(object_kind=kind, object_id=object_id, change=word, at=office.clock.now(), correlation_id="c")


async def told_of(session: AsyncSession, office: Office) -> None:
    await publish(
        session,
        catalogue.PeopleReadAgain(sync_run_id=new_id(), people=1, departments=0),
        Why(SYSTEM),
        now=office.clock.now(),
    )
