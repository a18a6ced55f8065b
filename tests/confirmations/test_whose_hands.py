"""F197 against whoever would be both people: by a grant, by a key, by the policy, by a card that they once had."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import service as access
from app.access.errors import MoreThanHeld
from app.audit.actor import KEY_OF_REQUEST, SYSTEM, Actor, ActorKind, person_actor
from app.confirmations import service
from app.confirmations.errors import NobodyToConfirm, NoSuchConfirmation, NotTheirsToConfirm, SameHand
from app.confirmations.service import Answer, Asked, Done, Wish
from app.dual_control import TwoPersonAct
from app.permissions import Reach
from app.policy.document import default_source
from app.today import service as today
from app.web.pagination import PageQuery
from models.access import AccessGrant, ApiKey
from models.confirmations import Confirmation, ConfirmationState
from models.org import Person
from tests.builders.policy import policy_in_force
from tests.company import HEADQUARTERS, RESEARCH, Company
from tests.fakes.clock import MONDAY_9AM

NOW = MONDAY_9AM
PLAIN = default_source() + "\n# 修订"
MORE_FOR_HR = default_source().replace(
    "sync.read, sync.release, access.read]", "sync.read, sync.release, access.read, key.change]"
)
ONE_PERSON = default_source().replace("two_person: [policy.activate, ", "two_person: [")
ANOTHER_HR = default_source().replace("\nroles:\n  hr:\n", "\nroles:\n  hr:\n    userids: [chen]\n")
FIRST = PageQuery(cursor=None, limit=50)


async def let(session: AsyncSession, person: Person, bundle: str = "administrator", **more: Any) -> AccessGrant:
    wanted = access.Wanted(person, bundle, "试验", **more)
    return await access.grant(session, wanted, actor=SYSTEM, authority=None, now=NOW)


async def ask(session: AsyncSession, act: TwoPersonAct, by: Person, **payload: Any) -> Confirmation:
    return (await service.ask(session, Wish(act, payload, by), now=NOW)).row


async def activate(session: AsyncSession, by: Person, source: str = PLAIN) -> Confirmation:
    return await ask(session, TwoPersonAct.POLICY_ACTIVATE, by, source=source)


async def give(session: AsyncSession, by: Person, to: str, bundle: str = "it", **more: Any) -> Confirmation:
    return await ask(session, TwoPersonAct.ACCESS_GRANT, by, person=to, bundle=bundle, reason="值班", **more)


async def key_of(session: AsyncSession, maker: Actor) -> ApiKey:
    return (await access.create_key(session, name="监控", scopes=["org:read"], actor=maker, now=NOW))[0]


class Through:
    """What is said inside comes in through this key."""

    def __init__(self, key: ApiKey) -> None:
        self.actor = Actor(ActorKind.API_KEY, str(key.id))

    def __enter__(self) -> None:
        self.token = KEY_OF_REQUEST.set(self.actor)

    def __exit__(self, *_: object) -> None:
        KEY_OF_REQUEST.reset(self.token)


class TestKeys:
    async def confirm(self, session: AsyncSession, row: Confirmation, person: Person) -> None:
        await service.confirm(session, row.id, Answer(person, "rest"), now=NOW)

    async def test_not_through_a_key_that_the_asker_has_made(self, session: AsyncSession, company: Company) -> None:
        key = await key_of(session, person_actor(company.han.id))
        row = await activate(session, company.han)
        with Through(key), pytest.raises(SameHand):
            await self.confirm(session, row, company.sun)
        await self.confirm(session, row, company.sun)
        assert row.state is ConfirmationState.CONFIRMED

    async def test_not_by_who_has_made_the_key_that_asked(self, session: AsyncSession, company: Company) -> None:
        with Through(await key_of(session, person_actor(company.sun.id))):
            row = await activate(session, company.han)
        with pytest.raises(SameHand):
            await self.confirm(session, row, company.sun)

    async def test_not_through_two_keys_of_one_maker(self, session: AsyncSession, company: Company) -> None:
        """Who is neither of the two speaks for both."""
        maker = person_actor(company.li.id)
        with Through(await key_of(session, maker)):
            row = await activate(session, company.han)
        with Through(await key_of(session, maker)), pytest.raises(SameHand):
            await self.confirm(session, row, company.sun)

    async def test_not_through_a_key_that_a_key_has_made(self, session: AsyncSession, company: Company) -> None:
        first = await key_of(session, person_actor(company.han.id))
        second = await key_of(session, Actor(ActorKind.API_KEY, str(first.id)))
        row = await activate(session, company.han)
        with Through(second), pytest.raises(SameHand):
            await self.confirm(session, row, company.sun)

    async def test_not_through_a_key_whose_secret_was_told_to_the_asking_key(
        self, session: AsyncSession, company: Company
    ) -> None:
        """王芳 is named as its maker; the key that asked in her name has it."""
        for person in (company.wang, company.chen):
            await let(session, person)
        asking = await key_of(session, SYSTEM)
        with Through(asking):
            wish = {"name": "报表", "scopes": ["confirmations:decide"], "act_as": "anybody"}
            made = await ask(session, TwoPersonAct.KEY_CREATE, company.wang, **wish)
        await self.confirm(session, made, company.chen)
        with Through(asking):
            row = await activate(session, company.han)
        with Through(await session.get_one(ApiKey, UUID(made.result))), pytest.raises(SameHand):
            await self.confirm(session, row, company.sun)

    async def test_through_keys_of_two_makers(self, session: AsyncSession, company: Company) -> None:
        with Through(await key_of(session, person_actor(company.li.id))):
            row = await activate(session, company.han)
        with Through(await key_of(session, person_actor(company.chen.id))):
            await self.confirm(session, row, company.sun)
        assert row.state is ConfirmationState.CONFIRMED

    async def test_an_operators_keys_are_two_hands(self, session: AsyncSession, company: Company) -> None:
        """Whoever has the server needs nobody."""
        operator = Actor(ActorKind.OPERATOR, "root")
        with Through(await key_of(session, operator)):
            row = await activate(session, company.han)
        with Through(await key_of(session, operator)):
            await self.confirm(session, row, company.sun)
        assert row.state is ConfirmationState.CONFIRMED


class TestGrants:
    async def test_nobody_makes_their_own_second_person(self, session: AsyncSession, company: Company) -> None:
        await let(session, company.zhao)
        with pytest.raises(NobodyToConfirm, match="steward access grant"):
            await give(session, company.zhao, "li", "administrator")
        assert len((await session.scalars(select(AccessGrant))).all()) == 1

    async def test_another_confirms(self, session: AsyncSession, company: Company) -> None:
        for person in (company.zhao, company.chen):
            await let(session, person)
        row = await give(session, company.zhao, "li")
        assert [row.fields[0], row.fields[2]] == [["授予", "李军"], ["范围", "全公司"]]
        await service.confirm(session, row.id, Answer(company.chen, "rest"), now=NOW)
        given = await session.get_one(AccessGrant, UUID(row.result))
        assert (given.person_id, given.bundle, given.granted_by) == (company.li.id, "it", f"person:{company.zhao.id}")

    async def test_not_whom_it_is_for(self, session: AsyncSession, company: Company) -> None:
        for person in (company.zhao, company.chen, company.wang):
            await let(session, person)
        row = await give(session, company.zhao, "chen")
        assert set(row.asked_people) == {company.wang.id}
        with pytest.raises(NotTheirsToConfirm, match="本人"):
            await service.confirm(session, row.id, Answer(company.chen, "rest"), now=NOW)
        with pytest.raises(NotTheirsToConfirm, match="本人"):
            await give(session, company.zhao, "zhao", "auditor")

    async def test_no_more_than_the_asker_holds(self, session: AsyncSession, company: Company) -> None:
        await let(session, company.zhao, ends_at=NOW + timedelta(days=7))
        await let(session, company.chen)
        with pytest.raises(MoreThanHeld):
            await give(session, company.zhao, "li", "administrator")

    @pytest.mark.parametrize(("place", "wide"), [(str(HEADQUARTERS), True), (str(RESEARCH), False)])
    async def test_the_topmost_department_is_the_company(
        self, session: AsyncSession, company: Company, place: str, wide: bool
    ) -> None:
        wanted = access.Wanted(company.li, "it", "值班", Reach.DEPARTMENT, place)
        assert await access.is_wide(session, wanted) is wide


class TestThePolicy:
    @pytest.mark.parametrize(
        ("source", "section"), [(MORE_FOR_HR, "access"), (ONE_PERSON, "access"), (ANOTHER_HR, "roles")]
    )
    async def test_two_of_hr_do_not_give_themselves_more(
        self, session: AsyncSession, company: Company, source: str, section: str
    ) -> None:
        assert source != default_source()
        with pytest.raises(NotTheirsToConfirm, match=f"改动了 {section} 部分"):
            await activate(session, company.han, source)

    @pytest.mark.parametrize("source", [MORE_FOR_HR, ONE_PERSON, ANOTHER_HR])
    async def test_both_may_grant_access(self, session: AsyncSession, company: Company, source: str) -> None:
        await let(session, company.zhao)
        with pytest.raises(NobodyToConfirm):
            await activate(session, company.zhao, source)
        await let(session, company.chen)
        row = await activate(session, company.zhao, source)
        assert row.asked_people == [company.chen.id]
        with pytest.raises(NotTheirsToConfirm):
            await service.confirm(session, row.id, Answer(company.sun, "rest"), now=NOW)
        await service.confirm(session, row.id, Answer(company.chen, "rest"), now=NOW)
        assert row.state is ConfirmationState.CONFIRMED

    async def test_what_says_the_same_of_it_is_hrs(self, session: AsyncSession, company: Company) -> None:
        row = await activate(session, company.han)
        await service.confirm(session, row.id, Answer(company.sun, "rest"), now=NOW)
        assert row.state is ConfirmationState.CONFIRMED

    async def test_what_is_another_thing_by_now_needs_more(self, session: AsyncSession, company: Company) -> None:
        """A version asked for by HR would take back what two administrators have changed meanwhile."""
        row = await activate(session, company.han)
        for person in (company.zhao, company.chen):
            await let(session, person)
        other = await activate(session, company.zhao, MORE_FOR_HR)
        await service.confirm(session, other.id, Answer(company.chen, "rest"), now=NOW)
        with pytest.raises(NotTheirsToConfirm, match="改动了 access 部分"):
            await service.confirm(session, row.id, Answer(company.sun, "rest"), now=NOW)
        assert row.state is ConfirmationState.ASKED

    async def test_alone_it_is_no_other(self, session: AsyncSession, company: Company) -> None:
        """Where the policy wants nobody else, the asker still needs it."""
        for person in (company.zhao, company.chen):
            await let(session, person)
        row = await activate(session, company.zhao, ONE_PERSON)
        await service.confirm(session, row.id, Answer(company.chen, "rest"), now=NOW)
        wish = Wish(TwoPersonAct.POLICY_ACTIVATE, {"source": MORE_FOR_HR}, company.han)
        with pytest.raises(NotTheirsToConfirm, match="access"):
            await service.ask_or_do(session, wish, now=NOW)


class TestWhoIsShownIt:
    """The list, the page, what waits and the answer are for today's holders."""

    async def shown(self, session: AsyncSession, person: Person) -> tuple[bool, bool, bool]:
        listed = (await service.concerning(session, person.id, page=FIRST, now=NOW)).items
        waiting = await today.waiting_for(session, person.id, now=NOW)
        try:
            look = await service.look(
                session, (await session.scalars(select(col(Confirmation.id)))).one(), reader=person, now=NOW
            )
        except (NoSuchConfirmation, NotTheirsToConfirm):
            return bool(listed), bool(waiting.items), False
        return bool(listed), bool(waiting.items), look.may_answer

    async def test_who_holds_it_since(self, session: AsyncSession, company: Company) -> None:
        await activate(session, company.han)
        assert await self.shown(session, company.chen) == (False, False, False)
        await let(session, company.chen)
        assert await self.shown(session, company.chen) == (True, True, True)

    async def test_who_holds_it_no_more_reads_why(self, session: AsyncSession, company: Company) -> None:
        given = await let(session, company.chen)
        row = await activate(session, company.han)
        assert await self.shown(session, company.chen) == (True, True, True)
        await access.revoke(session, given.id, actor=SYSTEM, authority=None, now=NOW)
        assert await self.shown(session, company.chen) == (False, False, False)
        with pytest.raises(NotTheirsToConfirm, match="现在没有了"):
            await service.look(session, row.id, reader=company.chen, now=NOW)
        with pytest.raises(NoSuchConfirmation):
            await service.look(session, row.id, reader=company.li, now=NOW)

    async def test_who_has_answered_finds_it_again(self, session: AsyncSession, company: Company) -> None:
        given = await let(session, company.chen)
        row = await activate(session, company.han)
        await service.refuse(session, row.id, Answer(company.chen, "rest"), now=NOW)
        await access.revoke(session, given.id, actor=SYSTEM, authority=None, now=NOW)
        assert (await service.concerning(session, company.chen.id, page=FIRST, now=NOW)).items[0].row.id == row.id
        assert not (await service.look(session, row.id, reader=company.chen, now=NOW)).may_answer

    async def test_whom_it_is_for_is_not_asked(self, session: AsyncSession, company: Company) -> None:
        for person in (company.zhao, company.chen, company.wang):
            await let(session, person)
        await give(session, company.zhao, "chen")
        assert await self.shown(session, company.chen) == (False, False, False)
        assert await self.shown(session, company.wang) == (True, True, True)
        assert await self.shown(session, company.zhao) == (True, False, False)


async def test_where_the_policy_wants_nobody_else_a_grant_is_given(session: AsyncSession, company: Company) -> None:
    await let(session, company.zhao)
    await policy_in_force(session, access__two_person=[])
    payload = {"person": "li", "bundle": "it", "reason": "值班"}
    done = await service.ask_or_do(session, Wish(TwoPersonAct.ACCESS_GRANT, payload, company.zhao), now=NOW)
    assert isinstance(done, Done)
    assert not isinstance(done, Asked)
