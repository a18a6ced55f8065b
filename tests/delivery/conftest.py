"""A desk to work at: a database of its own, a sandbox in the same process, and a worker that runs when told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.audit.why import About, Why
from app.bootstrap import REGISTRY
from app.database import Sessions, transaction
from app.delivery import queries, service
from app.delivery.service import MessageHeader
from app.jobs.job import Nothing
from app.ledger import service as ledger
from app.ledger.calls import MAKE_CALL, CallPayload
from app.ledger.jobs import recover
from app.ledger.service import CallRequest
from app.settings import Settings
from app.wecom.message_bodies.card import Card, CardButton
from models.audit import ObjectKind
from models.delivery import CallKind, CallState, Delivery, Message, OutgoingCall
from models.ids import PersonId, fold, new_id
from models.org import Person, PersonUserid
from sandbox.config import Like, SandboxConfig
from tests.company import CALLBACKS, OpenCompany, open_company
from tests.databases import rolled_back
from tests.fakes.clock import FakeClock
from tests.fakes.queue import take
from tests.manners import like

__all__ = ["like"]  # a fixture, found by name

CARD = Card("入群申请", desc="张伟申请加入项目群", buttons=[CardButton("同意", "approval.approve:1")])


@dataclass(frozen=True)
class Chat:
    """A group as far as a message needs it."""

    id: UUID
    chatid: str


@dataclass
class Desk(OpenCompany):
    """What a test does, in the words of the ledger."""

    kept = frozenset(REGISTRY.jobs) - {MAKE_CALL.name}

    people: dict[str, PersonId] = field(default_factory=dict)

    async def know(self, userids: Sequence[str]) -> list[PersonId]:
        """People of the sandbox, or names it has never heard of, in our own tables."""
        people = [(PersonId(new_id()), userid) for userid in userids]
        now = self.clock.now()
        async with transaction(self.sessions) as session:
            session.add_all(Person(id=key, name=userid, first_seen_at=now, updated_at=now) for key, userid in people)
            await session.flush()
            session.add_all(
                PersonUserid(person_id=key, userid=fold(userid), shown=userid, started_at=now) for key, userid in people
            )
        self.people |= {userid: key for key, userid in people}
        return [key for key, _ in people]

    async def colleagues(self, count: int) -> list[PersonId]:
        """People whom the sandbox knows and can reach."""
        found = await self.sandbox.people(limit=2000)
        active = [person["userid"] for person in found if person["status"] == 1]
        return await self.know([userid for userid in active if userid not in self.people][:count])

    async def forget_userid(self, userid: str) -> None:
        """The person has left: the userid names nobody any more."""
        async with transaction(self.sessions) as session:
            ended = update(PersonUserid).where(col(PersonUserid.userid) == fold(userid))
            await session.execute(ended.values(ended_at=self.clock.now()))

    async def group(self, chatid: str = "project1") -> str:
        """A group of three on the platform."""
        people = await self.colleagues(3)
        userids = [userid for userid, key in self.people.items() if key in people]
        body = {"name": "项目群", "owner": userids[0], "userlist": userids, "chatid": chatid}
        call = await self.request(CallKind.APPCHAT_CREATE, body)
        await self.work()
        assert (await self.call(call.id)).state is CallState.DONE
        return chatid

    def why(self) -> Why:
        return Why(SYSTEM, "delivery.hours", self.company.policy.id)

    def header(self, purpose: str = "task.card", kind: ObjectKind = ObjectKind.TASK, **changes: Any) -> MessageHeader:
        return replace(MessageHeader(purpose, About(kind, "1"), self.why()), **changes)

    async def text(
        self, to: Sequence[PersonId], said: str = "请查收", *, safe: bool = False, **changes: Any
    ) -> Message:
        async with transaction(self.sessions) as session:
            header = self.header(**changes)
            return await service.send_text(session, header, to=to, text=said, now=self.clock.now(), safe=safe)

    async def card(
        self, to: Sequence[PersonId], card: Card = CARD, *, individually: bool = False, **changes: Any
    ) -> Message:
        header = self.header("approval.card", ObjectKind.REQUEST, **changes)
        async with transaction(self.sessions) as session:
            return await service.send_card(
                session, header, to=to, card=card, now=self.clock.now(), individually=individually
            )

    async def to_group(
        self,
        chatid: str,
        said: str,
        group_id: UUID,
        *,
        mentioned_userids: Sequence[str] = (),
        purpose: str = "group.post",
    ) -> OutgoingCall:
        header, group = self.header(purpose, ObjectKind.GROUP), Chat(group_id, chatid)
        async with transaction(self.sessions) as session:
            return await service.post_to_group(
                session, header, group=group, text=said, mentioned_userids=mentioned_userids, now=self.clock.now()
            )

    async def request(
        self, kind: CallKind, body: dict[str, Any], *, after: UUID | None = None, **changes: Any
    ) -> OutgoingCall:
        request = CallRequest(kind, body, kind.value, About(ObjectKind.GROUP, "1"), self.why())
        async with transaction(self.sessions) as session:
            return await ledger.request_call(session, replace(request, **changes), now=self.clock.now(), after=after)

    async def take_jobs(self) -> list[CallPayload]:
        async with transaction(self.sessions) as session:
            return await take(session, MAKE_CALL)

    async def recover(self) -> None:
        await recover(self.ctx, Nothing())

    async def calls(self, kind: CallKind | None = None) -> list[OutgoingCall]:
        async with self.sessions() as session:
            statement = select(OutgoingCall).order_by(col(OutgoingCall.id))
            if kind is not None:
                statement = statement.where(col(OutgoingCall.kind) == kind)
            return list((await session.scalars(statement)).all())

    async def call(self, call_id: UUID) -> OutgoingCall:
        async with self.sessions() as session:
            return (await session.scalars(select(OutgoingCall).where(col(OutgoingCall.id) == call_id))).one()

    async def messages(self) -> list[Message]:
        async with self.sessions() as session:
            return list((await session.scalars(select(Message).order_by(col(Message.number)))).all())

    async def deliveries(self, message: Message) -> list[Delivery]:
        async with self.sessions() as session:
            statement = select(Delivery).where(col(Delivery.message_id) == message.id).order_by(col(Delivery.id))
            return list((await session.scalars(statement)).all())

    async def account(self, message: Message) -> dict[str, int]:
        """Where the recipients stand, those of none left out. Checks the promise of P3 each time."""
        async with self.sessions() as session:
            counts = await queries.counts_of(session, message)
        assert sum(counts.values()) == message.audience
        return {state.value: count for state, count in counts.items() if count}

    async def reasons(self, message: Message) -> set[str]:
        return {row.reason for row in await self.deliveries(message)}

    async def sent_bodies(self, endpoint: str = "message/send") -> list[dict[str, Any]]:
        """What the platform looked at: a fault `before` it is not among them."""
        return [call["body"] for call in await self.sandbox.calls(endpoint) if call["answer"]]

    async def phone(self, userid: str) -> list[dict[str, Any]]:
        return await self.sandbox.app_messages(userid)


@pytest.fixture
def sandbox_config(like: Like | None) -> SandboxConfig:
    """Under both manners of the platform here and for the ledger, under one for others that borrow the desk."""
    config = SandboxConfig(people=40, app_callback_url=CALLBACKS, callback_retries=1)
    return config if like is None else config.model_copy(update={"like": like})


@pytest.fixture
async def desk(
    shared_engine: AsyncEngine, clock: FakeClock, settings: Settings, sandbox_config: SandboxConfig
) -> AsyncIterator[Desk]:
    """For one worker at a time: every transaction is a savepoint of one that is rolled back, which is quick."""
    async with rolled_back(shared_engine) as one, _open_desk(one, clock, settings, sandbox_config) as desk:
        yield desk


@pytest.fixture
async def busy_desk(
    sessions: Sessions, clock: FakeClock, settings: Settings, sandbox_config: SandboxConfig
) -> AsyncIterator[Desk]:
    """For several workers at once: real commits in a database of its own."""
    async with _open_desk(sessions, clock, settings, sandbox_config) as desk:
        yield desk


def _open_desk(
    sessions: Sessions, clock: FakeClock, settings: Settings, config: SandboxConfig
) -> AbstractAsyncContextManager[Desk]:
    return open_company(
        Desk,
        sessions,
        clock,
        settings,
        config=config,
        delivery__jitter_seconds=0,
        delivery__duplicate_window_seconds=1800,
    )
