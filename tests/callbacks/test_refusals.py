"""F2 over a real connection: a stranger gets a 4xx, leaves no row, is counted by reason and explained."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
import structlog
from fastapi import FastAPI
from prometheus_client import REGISTRY
from sqlalchemy import select, text
from starlette.routing import Route

from app.database import Sessions, transaction
from app.inbox.messages import error_in_words, explain_refusal, explain_unreadable, refusal_in_words
from app.inbox.rules import UNREADABLE
from app.settings import Settings
from app.web.middleware import Edge
from callbacks.errors import Reason
from callbacks.handlers import IGNORED
from callbacks.intake import Intake, build_intake
from callbacks.router import Door, router
from models.ids import APP as APP_ID
from models.installation import PlatformState
from models.intake import CallbackRefusal
from sandbox.crypto import Cryptor
from tests.builders.callbacks import Sealed, plain_event, seal, wrap
from tests.callbacks.conftest import Services, cryptors
from tests.fakes.clock import MONDAY_9AM, FakeClock
from tests.fakes.web_server import serving

CHINESE = re.compile(r"[一-鿿]")
STORED = [*IGNORED.values(), *(explain_unreadable(UNREADABLE + one) for one in ("bad_xml", "not_utf8"))]

APP, CONTACTS = cryptors()
BOMB = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>]><xml><Encrypt>&b;&b;</Encrypt></xml>"
OUTSIDE = b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><xml><Encrypt>&e;</Encrypt></xml>"
TWO_MIB = b"<xml><Encrypt>" + b"A" * (2 * 1024 * 1024) + b"</Encrypt></xml>"


@dataclass(frozen=True)
class Hostile:
    """One request, and why it is refused."""

    sealed: Sealed
    status: int
    reason: str
    channel: str = "app"
    is_chunked: bool = False


def good() -> Sealed:
    return seal(APP, plain_event())


def changed(sealed: Sealed, **params: str) -> Sealed:
    return Sealed(sealed.params | params, sealed.body)


def without(name: str) -> Sealed:
    sealed = good()
    return Sealed({key: value for key, value in sealed.params.items() if key != name}, sealed.body)


def with_body(body: bytes) -> Sealed:
    return Sealed(good().params, body)


def stranger(corp_id: str = "", *, aes_key: str = "", token: str = "") -> Sealed:
    return seal(Cryptor(token or APP.token, aes_key or APP.aes_key, corp_id or APP.receive_id), plain_event())


def shortened() -> Sealed:
    return wrap(APP, APP.encrypt(plain_event().decode())[:20] + "====")


HOSTILE: dict[str, Callable[[], Hostile]] = {
    "wrong signature": lambda: Hostile(changed(good(), msg_signature="0" * 40), 403, "bad_signature"),
    "wrong token": lambda: Hostile(stranger(token="another"), 403, "bad_signature"),
    "too old": lambda: Hostile(
        seal(APP, plain_event(), at=MONDAY_9AM - timedelta(seconds=301)), 403, "stale_timestamp"
    ),
    "too early": lambda: Hostile(
        seal(APP, plain_event(), at=MONDAY_9AM + timedelta(seconds=301)), 403, "future_timestamp"
    ),
    "wrong corp": lambda: Hostile(stranger("wwanother"), 403, "wrong_receiver"),
    "other channel's keys": lambda: Hostile(seal(CONTACTS, plain_event()), 403, "other_channel"),
    "broken base64": lambda: Hostile(wrap(APP, "!!!!"), 400, "bad_base64"),
    "wrong length": lambda: Hostile(wrap(APP, "QUJD"), 400, "bad_length"),
    "bad padding": lambda: Hostile(stranger(aes_key="N" * 43), 400, "bad_padding"),
    "XML bomb": lambda: Hostile(with_body(BOMB), 400, "entities"),
    "external entity": lambda: Hostile(with_body(OUTSIDE), 400, "entities"),
    "2 MiB": lambda: Hostile(with_body(TWO_MIB), 413, "too_large"),
    "2 MiB in chunks": lambda: Hostile(with_body(TWO_MIB), 413, "too_large", is_chunked=True),
    "not UTF-8": lambda: Hostile(with_body(b"<xml><Encrypt>\xff\xfe</Encrypt></xml>"), 400, "not_utf8"),
    "no signature": lambda: Hostile(without("msg_signature"), 400, "missing_parameter"),
    "no timestamp": lambda: Hostile(without("timestamp"), 400, "missing_parameter"),
    "no nonce": lambda: Hostile(without("nonce"), 400, "missing_parameter"),
    "JSON": lambda: Hostile(with_body(b'{"encrypt": "AAAA"}'), 400, "bad_xml"),
    "unknown channel": lambda: Hostile(good(), 404, "unknown_channel", channel="robot"),
}


def counted(hostile: Hostile) -> float:
    channel = hostile.channel if hostile.channel in {"app", "contacts"} else "unknown"
    labels = {"channel": channel, "reason": hostile.reason}
    return REGISTRY.get_sample_value("steward_callback_refusals_total", labels) or 0.0


@dataclass(frozen=True)
class Service:
    base: str
    intake: Intake
    sessions: Sessions

    async def send(self, hostile: Hostile) -> httpx.Response:
        def chunks() -> Iterator[bytes]:
            for at in range(0, len(hostile.sealed.body), 50_000):
                yield hostile.sealed.body[at : at + 50_000]

        async def flowing() -> AsyncIterator[bytes]:
            for chunk in chunks():
                yield chunk

        content = flowing() if hostile.is_chunked else hostile.sealed.body
        async with httpx.AsyncClient(timeout=60) as http:
            path = f"{self.base}/callbacks/{hostile.channel}"
            return await http.post(path, params=hostile.sealed.params, content=content)

    async def kept(self) -> list[CallbackRefusal]:
        """What the flush of this moment writes, and what stands there."""
        await self.intake.watch.tick()
        async with transaction(self.sessions) as session:
            return list(await session.scalars(select(CallbackRefusal).order_by(text("id"))))

    async def address(self, channel: str = "app") -> PlatformState:
        await self.intake.watch.tick()
        async with transaction(self.sessions) as session:
            return await session.get_one(PlatformState, f"callbacks:{channel}")


@pytest.fixture
async def service(sessions: Sessions, settings: Settings, clock: FakeClock) -> AsyncIterator[Service]:
    """The intake behind a real server. The tick of the watch is called by hand."""
    intake = build_intake(settings, sessions, clock)
    intake._commit.start()
    app = FastAPI()
    app.state.services = Services(intake, sessions, clock)
    app.include_router(router)
    app.add_middleware(Edge)
    async with serving(app) as base:
        yield Service(base, intake, sessions)
    await intake._commit.stop()


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_it_is_refused_counted_explained_and_leaves_no_event(name: str, service: Service) -> None:
    hostile = HOSTILE[name]()
    before = counted(hostile)

    with structlog.testing.capture_logs() as logs:
        answer = await service.send(hostile)

    assert (answer.status_code, answer.content) == (hostile.status, b"")
    assert counted(hostile) == before + 1
    [line] = [line for line in logs if line["event"] == "callback.refused"]
    assert (line["reason"], line["caller"]) == (hostile.reason, "127.0.0.1")
    assert line["explanation"] == explain_refusal(hostile.reason)
    [kept] = await service.kept()
    assert (kept.reason, kept.caller, kept.times) == (hostile.reason, "127.0.0.1", 1)
    async with transaction(service.sessions) as session:
        assert (await session.execute(text("SELECT count(*) FROM received_events"))).scalar_one() == 0


def test_every_reason_has_an_explanation() -> None:
    assert [reason for reason in Reason if explain_refusal(reason.value) == reason.value] == []


class TestABodyThatDoesNotCome:
    """A connection costs a file; who sends a byte a second gets none for long."""

    async def test_it_is_refused_after_its_time_and_the_connection_ends(
        self, sessions: Sessions, settings: Settings, clock: FakeClock
    ) -> None:
        intake = build_intake(settings, sessions, clock)
        app = FastAPI()
        app.state.services = Services(intake, sessions, clock)
        app.router.routes.append(Route("/callbacks/{channel:path}", Door(body_seconds=0.3)))
        async with serving(app) as base:
            reader, writer = await asyncio.open_connection(*base.removeprefix("http://").split(":"))
            writer.write(b"POST /callbacks/app HTTP/1.1\r\nHost: steward\r\nContent-Length: 100\r\n\r\n<xml>")
            answer = await reader.read()
            writer.close()

        assert answer.startswith(b"HTTP/1.1 408 ")
        [attempts], _ = intake.watch.turned_away.take(lambda *_: "")
        assert (attempts.reason, attempts.times) == ("too_slow", 1)

    async def test_who_hangs_up_in_the_middle_is_nobodys_fault(self, service: Service) -> None:
        host, port = service.base.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, port)
        writer.write(b"POST /callbacks/app HTTP/1.1\r\nHost: steward\r\nContent-Length: 100\r\n\r\n<xml>")
        await writer.drain()
        writer.transport.abort()

        assert (await service.send(Hostile(good(), 200, ""))).status_code == 200
        assert await service.kept() == []


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_are_told_which_ones_there_are(method: str, service: Service) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        answer = await http.request(method, f"{service.base}/callbacks/app", params=good().params)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


class TestWhatDisagrees:
    """Which of token, AES key and corp id it is; the values are never shown."""

    @pytest.mark.parametrize(
        ("sealed", "disagrees"),
        [
            (lambda: stranger(token="another"), "token"),
            (lambda: stranger("wwanother", token="another"), "token, corp_id"),
            (lambda: stranger(token="another", aes_key="N" * 43), "token, aes_key"),
            (lambda: stranger(aes_key="N" * 43), "aes_key"),
            (lambda: stranger(aes_key=CONTACTS.aes_key), "aes_key: the other channel's"),
            (lambda: stranger("wwanother"), "corp_id"),
        ],
    )
    async def test_it_is_told(self, sealed: Callable[[], Sealed], disagrees: str, service: Service) -> None:
        await service.send(Hostile(sealed(), 0, ""))

        assert [row.disagrees for row in await service.kept()] == [disagrees]


class TestAFlood:
    """Strangers cost a counter: a few rows, a few lines of the log."""

    async def test_the_same_stranger_is_one_row_with_a_number(self, service: Service) -> None:
        for _ in range(30):
            await service.send(HOSTILE["wrong signature"]())
        with structlog.testing.capture_logs() as logs:
            [row] = await service.kept()

        assert row.times == 30
        assert [line["times"] for line in logs if line["event"] == "callback.refused_more"] == [10]
        await service.send(HOSTILE["wrong signature"]())
        assert [row.times for row in await service.kept()] == [31]

    async def test_a_thousand_addresses_are_fifty_rows_and_the_rest_together(self, service: Service) -> None:
        sealed = changed(good(), msg_signature="0" * 40)
        query = httpx.QueryParams(sealed.params).__str__().encode()
        for number in range(1_000):
            await service.intake.receive(APP_ID, query, sealed.body, caller=f"10.0.{number // 250}.{number % 250}")

        rows = await service.kept()
        assert len(rows) == 51
        assert sum(row.times for row in rows) == 1_000
        assert max(rows, key=lambda row: row.times).caller == ""

    async def test_a_flood_of_one_kind_drives_no_other_out(self, service: Service) -> None:
        await service.send(HOSTILE["wrong corp"]())
        sealed = changed(good(), msg_signature="0" * 40)
        query = httpx.QueryParams(sealed.params).__str__().encode()
        for number in range(200):
            await service.intake.receive(APP_ID, query, sealed.body, caller=f"10.1.1.{number}")
            if number % 40 == 0:
                await service.kept()

        rows = await service.kept()
        assert "wrong_receiver" in {row.reason for row in rows}
        assert sum(row.reason == "bad_signature" for row in rows) == 100


class TestTheAddress:
    """What `/readyz` says of a callback address, without asking the platform."""

    async def test_nobody_has_ever_called(self, service: Service) -> None:
        state = await service.address()

        assert (state.healthy, state.facts) == (False, {})
        assert "steward callbacks refusals" in state.detail

    async def test_a_stranger_changes_nothing(self, service: Service) -> None:
        await service.send(Hostile(good(), 0, ""))
        await service.send(HOSTILE["wrong signature"]())

        state = await service.address()
        assert state.healthy
        assert state.facts is not None
        assert "last_verified_at" in state.facts

    async def test_the_platform_with_other_settings_is_told_with_the_cure(
        self, service: Service, clock: FakeClock
    ) -> None:
        await service.send(Hostile(good(), 0, ""))
        assert (await service.address()).healthy
        clock.advance(timedelta(seconds=10))
        await service.send(Hostile(stranger("wwanother"), 0, ""))

        state = await service.address()
        assert not state.healthy
        assert "STEWARD_WECOM_CORP_ID" in state.detail


def test_every_reason_has_its_english() -> None:
    for reason in Reason:
        english = refusal_in_words(reason.value).english
        assert english != reason.value
        assert not CHINESE.search(english)


@pytest.mark.parametrize("stored", sorted(set(STORED)))
def test_why_nothing_came_of_an_event_has_its_english(stored: str) -> None:
    words = error_in_words(stored)
    assert words.chinese == stored
    assert not CHINESE.search(words.english)
