"""F197: one person asks, another confirms, and exactly that is done; or nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import service as access
from app.access.keys.find_caller import find_key
from app.announcements import service as announcements
from app.announcements.service import AudienceWanted
from app.audit.actor import KEY_OF_REQUEST, SYSTEM, Actor, ActorKind
from app.confirmations import service
from app.confirmations.errors import (
    AlreadyAnswered,
    NobodyToConfirm,
    NotTheAsker,
    NotTheirsToConfirm,
    OwnConfirmation,
    SameHand,
    SomethingElse,
    UnknownAct,
    UnreadableAct,
)
from app.confirmations.jobs import CARD_ACTIONS
from app.confirmations.rules import EXPIRES_AFTER
from app.confirmations.service import Answer, Asked, Done, Wish
from app.dual_control import TwoPersonAct
from app.jobs.timers import due_of
from app.policy import service as policies
from app.policy.document import default_source
from app.policy.errors import FaultyPolicy, TwoPeopleNeeded
from models.access import ApiKey
from models.announcements import Announcement
from models.audit import AuditEntry
from models.confirmations import Confirmation, ConfirmationState
from models.org import Person, PersonStatus
from models.policy import PolicyVersion
from tests.builders import org
from tests.builders.approvals import cards_to, everything_arrives, faces_of, texts_to
from tests.builders.clicks import press
from tests.builders.policy import policy_in_force
from tests.company import HEADQUARTERS, PERSONNEL, RESEARCH, Company
from tests.fakes.clock import MONDAY_9AM

NOW = MONDAY_9AM
ACTIVATE = TwoPersonAct.POLICY_ACTIVATE
NEXT = default_source() + "\n# 修订"
POLICY: Mapping[str, Any] = {"source": NEXT}


async def asked(session: AsyncSession, by: Person, act: TwoPersonAct = ACTIVATE, **payload: Any) -> Asked:
    return await service.ask(session, Wish(act, payload or POLICY, by, "年度修订"), now=NOW)


async def versions(session: AsyncSession) -> int:
    return len((await session.scalars(select(PolicyVersion))).all())


async def acts_of(session: AsyncSession, row: Confirmation) -> list[tuple[str, str]]:
    statement = select(AuditEntry).where(col(AuditEntry.object_id) == str(row.id)).order_by(col(AuditEntry.id))
    return [(entry.action, entry.actor_id) for entry in await session.scalars(statement)]


@pytest.fixture
async def office(company: Company) -> Company:
    """韩梅 and 孙宁 are HR, and so hold what the bundle of HR has in the whole company."""
    return company


@pytest.fixture
async def it(session: AsyncSession, company: Company) -> Company:
    """李军 and 陈晨 were given the bundle of IT."""
    for person in (company.li, company.chen):
        wanted = access.Wanted(person, "it", "值班")
        await access.grant(session, wanted, actor=SYSTEM, authority=None, now=NOW)
    return company


async def a_key(session: AsyncSession) -> ApiKey:
    return (await access.create_key(session, name="监控", scopes=["org:read"], actor=SYSTEM, now=NOW))[0]


async def revoke_from(session: AsyncSession, person: Person) -> None:
    for grant in await access.living_grants(session, now=NOW):
        if grant.person_id == person.id:
            await access.revoke(session, grant.id, actor=SYSTEM, authority=None, now=NOW)


class TestAskedAndConfirmed:
    async def test_nothing_is_done_until_another_person_confirms(self, session: AsyncSession, office: Company) -> None:
        before = await versions(session)
        row = (await asked(session, office.han)).row
        assert (row.state, await versions(session)) == (ConfirmationState.ASKED, before)
        await service.confirm(session, row.id, Answer(office.sun, "rest", seen=row.payload_digest.hex()), now=NOW)

        assert (row.state, row.answered_by) == (ConfirmationState.CONFIRMED, office.sun.id)
        (newest,) = (await session.scalars(select(PolicyVersion).where(col(PolicyVersion.source) == NEXT))).all()
        assert (str(newest.id), newest.created_by) == (row.result, f"person:{office.han.id}")
        assert await due_of(session, service.EXPIRE, str(row.id)) is None

    async def test_the_trail_names_both(self, session: AsyncSession, office: Company) -> None:
        row = (await asked(session, office.han)).row
        await service.confirm(session, row.id, Answer(office.sun, "rest"), now=NOW)
        assert await acts_of(session, row) == [
            ("confirmation.asked", str(office.han.id)),
            ("confirmation.confirmed", str(office.sun.id)),
        ]

    async def test_whoever_else_may_do_it_gets_a_card_with_what_it_is(
        self, session: AsyncSession, office: Company
    ) -> None:
        await asked(session, office.han)
        (card,) = await cards_to(session, office.sun)
        assert card["main_title"] == {"title": "请您确认：启用制度", "desc": "韩梅 提出，需要另一个人确认"}
        shown = {row["keyname"]: row["value"] for row in card["horizontal_content_list"]}
        assert (shown["改动"], shown["生效"], shown["期限"]) == ("0 处", "立即", "03-05 09:00")
        assert card["quote_area"]["quote_text"] == "年度修订"
        assert await cards_to(session, office.han) == await cards_to(session, office.wang) == []

    async def test_a_press_carries_it_out_and_the_cards_say_who(self, session: AsyncSession, office: Company) -> None:
        row = (await asked(session, office.han)).row
        await everything_arrives(session)
        await press(session, CARD_ACTIONS, office.sun, f"confirmation.confirm:{row.id}", purpose=service.CARD, now=NOW)

        assert (row.state, row.via) == (ConfirmationState.CONFIRMED, "card")
        (face,) = await faces_of(session, office.sun)
        assert face["replace_text"] == "孙宁已同意"
        assert await texts_to(session, office.han) == ["孙宁 同意了您提出的“启用制度”，已经执行"]


class TestWhoConfirms:
    async def test_never_who_has_asked(self, session: AsyncSession, office: Company) -> None:
        row = (await asked(session, office.han)).row
        with pytest.raises(OwnConfirmation):
            await service.confirm(session, row.id, Answer(office.han, "rest"), now=NOW)
        assert row.state is ConfirmationState.ASKED

    async def test_nobody_who_may_not_do_it(self, session: AsyncSession, office: Company) -> None:
        row = (await asked(session, office.han)).row
        with pytest.raises(NotTheirsToConfirm, match="王芳"):
            await service.confirm(session, row.id, Answer(office.wang, "rest"), now=NOW)

    async def test_nobody_who_may_not_do_it_any_more(self, session: AsyncSession, office: Company) -> None:
        row = (await asked(session, office.han)).row
        office.sun.status = PersonStatus.DISABLED
        await session.flush()
        with pytest.raises(NotTheirsToConfirm):
            await service.confirm(session, row.id, Answer(office.sun, "rest"), now=NOW)

    async def test_not_for_an_asker_who_may_not_do_it_any_more(self, session: AsyncSession, it: Company) -> None:
        key = await a_key(session)
        row = (await asked(session, it.li, TwoPersonAct.KEY_END, key_id=str(key.id))).row
        await revoke_from(session, it.li)
        with pytest.raises(NotTheirsToConfirm, match="李军"):
            await service.confirm(session, row.id, Answer(it.chen, "rest"), now=NOW)
        assert key.ended_at is None

    async def test_never_the_program_that_has_asked(self, session: AsyncSession, office: Company) -> None:
        first, second = (Actor(ActorKind.API_KEY, str(UUID(int=number))) for number in (1, 2))
        token = KEY_OF_REQUEST.set(first)
        try:
            row = (await asked(session, office.han)).row
            with pytest.raises(SameHand):
                await service.confirm(session, row.id, Answer(office.sun, "rest"), now=NOW)
            KEY_OF_REQUEST.set(second)
            await service.confirm(session, row.id, Answer(office.sun, "rest"), now=NOW)
        finally:
            KEY_OF_REQUEST.reset(token)
        assert row.state is ConfirmationState.CONFIRMED

    async def test_where_there_is_nobody_else_nobody_is_asked(self, session: AsyncSession, it: Company) -> None:
        key = await a_key(session)
        await revoke_from(session, it.chen)
        with pytest.raises(NobodyToConfirm):
            await asked(session, it.li, TwoPersonAct.KEY_END, key_id=str(key.id))

    async def test_whoever_may_not_do_it_may_not_ask(self, session: AsyncSession, office: Company) -> None:
        with pytest.raises(NotTheirsToConfirm):
            await asked(session, office.wang)

    async def test_a_refused_press_is_explained_and_changes_nothing(
        self, session: AsyncSession, office: Company
    ) -> None:
        row = (await asked(session, office.han)).row
        await everything_arrives(session)
        await session.execute(update(Confirmation).values(payload={"source": "title: 别的"}))
        await press(session, CARD_ACTIONS, office.sun, f"confirmation.confirm:{row.id}", purpose=service.CARD, now=NOW)
        assert row.state is ConfirmationState.ASKED
        (told,) = await texts_to(session, office.sun)
        assert told.startswith("您对“启用制度”的答复没有记下：这项操作的内容与提出时不符")


class TestWhatIsConfirmed:
    async def test_exactly_what_was_asked(self, session: AsyncSession, office: Company) -> None:
        row = (await asked(session, office.han)).row
        await session.execute(
            text("UPDATE confirmations SET payload = jsonb_set(payload, '{source}', '\"title: 别的\"')")
        )
        with pytest.raises(SomethingElse):
            await service.confirm(session, row.id, Answer(office.sun, "rest"), now=NOW)

    async def test_exactly_what_was_seen(self, session: AsyncSession, office: Company) -> None:
        row = (await asked(session, office.han)).row
        with pytest.raises(SomethingElse):
            await service.confirm(session, row.id, Answer(office.sun, "rest", seen="0" * 64), now=NOW)

    async def test_what_the_act_refuses_by_now_leaves_it_open(self, session: AsyncSession, office: Company) -> None:
        tomorrow = NOW + timedelta(days=1)
        row = (await asked(session, office.han, source=NEXT, effective_at=tomorrow.isoformat())).row
        late = NOW + timedelta(days=2)
        await everything_arrives(session)
        await press(session, CARD_ACTIONS, office.sun, f"confirmation.confirm:{row.id}", purpose=service.CARD, now=late)
        assert row.state is ConfirmationState.ASKED
        assert "追溯" in (await texts_to(session, office.sun))[0]

    async def test_what_cannot_be_done_is_not_asked(self, session: AsyncSession, office: Company) -> None:
        with pytest.raises(FaultyPolicy):
            await asked(session, office.han, source="title: 半份")
        with pytest.raises(UnreadableAct, match="sauce"):
            await asked(session, office.han, sauce=NEXT)
        with pytest.raises(UnknownAct):
            await asked(session, office.han, TwoPersonAct.PERSON_ERASE, person="li")


class TestHowItEnds:
    async def test_refused_with_a_reason(self, session: AsyncSession, office: Company) -> None:
        before = await versions(session)
        row = (await asked(session, office.han)).row
        await everything_arrives(session)
        await service.refuse(session, row.id, Answer(office.sun, "rest", "第 3 条还要改"), now=NOW)
        assert (row.state, await versions(session)) == (ConfirmationState.REFUSED, before)
        assert await texts_to(session, office.han) == ["孙宁 驳回了您提出的“启用制度”，没有执行：第 3 条还要改"]
        with pytest.raises(AlreadyAnswered):
            await service.confirm(session, row.id, Answer(office.sun, "rest"), now=NOW)

    async def test_withdrawn_by_who_has_asked_alone(self, session: AsyncSession, office: Company) -> None:
        row = (await asked(session, office.han)).row
        with pytest.raises(NotTheAsker):
            await service.withdraw(session, row.id, Answer(office.sun, "rest"), now=NOW)
        await service.withdraw(session, row.id, Answer(office.han, "rest"), now=NOW)
        assert row.state is ConfirmationState.WITHDRAWN
        assert await texts_to(session, office.han) == []

    async def test_nobody_answers(self, session: AsyncSession, office: Company) -> None:
        row = (await asked(session, office.han)).row
        assert await due_of(session, service.EXPIRE, str(row.id)) == NOW + EXPIRES_AFTER
        with pytest.raises(AlreadyAnswered, match="过期"):
            await service.confirm(session, row.id, Answer(office.sun, "rest"), now=NOW + EXPIRES_AFTER)
        await service.expire(session, row.id, now=NOW + EXPIRES_AFTER)
        assert row.state is ConfirmationState.EXPIRED
        assert "没有人确认" in (await texts_to(session, office.han))[0]
        await service.expire(session, row.id, now=NOW + EXPIRES_AFTER)
        assert len(await acts_of(session, row)) == 2


class TestKeys:
    async def test_a_new_one_comes_alive_by_the_confirmation(self, session: AsyncSession, it: Company) -> None:
        wish = {"name": "报表", "scopes": ["org:read"]}
        found = await asked(session, it.li, TwoPersonAct.KEY_CREATE, **wish)
        assert found.secret.startswith("stw_")
        assert found.secret not in str(found.row.payload)
        assert await find_key(session, key=found.secret, now=NOW) is None
        await service.confirm(session, found.row.id, Answer(it.chen, "rest"), now=NOW)
        key = await find_key(session, key=found.secret, now=NOW)
        assert key is not None
        assert (key.name, key.created_by, str(key.id)) == ("报表", f"person:{it.li.id}", found.row.result)

    async def test_whom_it_acts_for_and_its_end(self, session: AsyncSession, it: Company) -> None:
        key = await a_key(session)
        named = {"key_id": str(key.id)}
        change = await asked(session, it.li, TwoPersonAct.KEY_CHANGE, act_as="anybody", **named)
        await service.confirm(session, change.row.id, Answer(it.chen, "rest"), now=NOW)
        assert key.act_as.value == "anybody"
        end = await asked(session, it.li, TwoPersonAct.KEY_END, **named)
        await service.confirm(session, end.row.id, Answer(it.chen, "rest"), now=NOW)
        assert key.ended_at == NOW


class TestEverybody:
    @pytest.mark.parametrize(
        ("departments", "everybody"),
        [((HEADQUARTERS,), True), ((RESEARCH, PERSONNEL), False), ((RESEARCH,), False)],
    )
    async def test_the_whole_company_is_everybody(
        self, session: AsyncSession, company: Company, departments: tuple[int, ...], everybody: bool
    ) -> None:
        wanted = AudienceWanted(departments=departments)
        assert await announcements.is_for_everybody(session, wanted, company.han) is everybody

    async def test_so_are_all_its_parts(self, session: AsyncSession, company: Company) -> None:
        """Where the app does not see the root, its parts are everything that there is."""
        root = await session.get_one(type(await org.department(session, 9, "客服部", parent=RESEARCH)), HEADQUARTERS)
        root.ended_at = NOW
        await session.flush()
        wanted = AudienceWanted(departments=(RESEARCH, PERSONNEL))
        assert await announcements.is_for_everybody(session, wanted, company.zhao)

    async def test_so_is_everybody_by_name(self, session: AsyncSession, company: Company) -> None:
        """Whoever is named one by one is no smaller an audience."""
        wanted = AudienceWanted(people=[userid for userid in company.people if userid != "han"])
        assert await announcements.is_for_everybody(session, wanted, company.han)

    async def test_it_is_published_in_the_askers_name(self, session: AsyncSession, office: Company) -> None:
        said = {"title": "放假", "body": "明天放假", "class": "work", "audience": {"departments": [HEADQUARTERS]}}
        row = (await asked(session, office.han, TwoPersonAct.ANNOUNCE_TO_EVERYBODY, **said)).row
        assert ["接收人", "5 人"] in row.fields
        await service.confirm(session, row.id, Answer(office.sun, "rest"), now=NOW)
        (announcement,) = (await session.scalars(select(Announcement))).all()
        assert (str(announcement.id), announcement.author_id) == (row.result, office.han.id)


class TestTooFew:
    async def test_what_nobody_could_confirm_is_named(self, session: AsyncSession, it: Company) -> None:
        assert it.people
        for person in (it.zhao, it.wang):
            wanted = access.Wanted(person, "administrator", "系统管理员")
            await access.grant(session, wanted, actor=SYSTEM, authority=None, now=NOW)
        assert [one.act for one in await service.unconfirmable(session, now=NOW)] == []
        for person in (it.zhao, it.wang):
            await revoke_from(session, person)
        await revoke_from(session, it.chen)
        lonely = await service.unconfirmable(session, now=NOW)
        assert {one.act: one.holders for one in lonely} == {
            **{act: ["李军"] for act in ("key.create", "key.change", "key.end")},
            "access.grant": [],
        }

    async def test_only_of_what_the_policy_wants_two_for(self, session: AsyncSession, company: Company) -> None:
        assert company.people
        await policy_in_force(session, access__two_person=["policy.activate"])
        assert await service.unconfirmable(session, now=NOW) == []


class TestWhenItIsOn:
    async def test_the_default_document_wants_two_people(self, session: AsyncSession, office: Company) -> None:
        wish = Wish(ACTIVATE, POLICY, office.han)
        assert isinstance(await service.ask_or_do(session, wish, now=NOW), Asked)

    async def test_an_older_version_wants_one(self, session: AsyncSession, office: Company) -> None:
        await policy_in_force(session, access=None)
        done = await service.ask_or_do(session, Wish(ACTIVATE, POLICY, office.han), now=NOW)
        assert isinstance(done, Done)
        assert done.result

    async def test_an_operator_acts_alone_and_the_trail_says_so(self, session: AsyncSession, office: Company) -> None:
        operator = Actor(ActorKind.OPERATOR, "cli")
        assert office.people
        row = await policies.apply(session, source=NEXT, now=NOW, actor=operator)
        assert row.created_by == "operator:cli"

    async def test_keys_go_on_alone_unless_the_policy_says_otherwise(
        self, session: AsyncSession, office: Company
    ) -> None:
        await policies.check_alone(session, ACTIVATE, now=NOW)
        await policy_in_force(session, access__two_person_keys=True)
        with pytest.raises(TwoPeopleNeeded):
            await policies.check_alone(session, ACTIVATE, now=NOW)
        assert office.people
        assert (await session.scalars(select(ApiKey))).first() is None
