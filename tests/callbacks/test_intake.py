"""Intake over HTTP: verify, decrypt, store once, answer (F1–F9)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
import structlog
from prometheus_client import REGISTRY
from sqlalchemy import text
from wechatpy.enterprise.crypto import WeChatCrypto

from app.bootstrap import build
from app.database import Sessions, create_engine, create_sessions, transaction
from app.main import Application
from app.settings import Settings
from callbacks.envelope import MAX_BODY, parse
from callbacks.intake import build_intake
from models.ids import APP
from models.inbox import EventState
from sandbox.callbacks import CallbackChannel
from sandbox.callbacks import seal as sandbox_seal
from sandbox.config import SandboxConfig
from sandbox.crypto import Cryptor
from tests.builders.callbacks import Sealed, odd, payload, plain_event, seal, wrap
from tests.callbacks.conftest import Platform, Services, client_of, cryptors
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.fakes.web_server import serving

OFFICIAL_QUERY = (
    "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780"
    "&echostr=P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%2B4RPcs8TgAE7OaBO%2BFZXvnaqQ%3D%3D"
)

AWAY = create_sessions(create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing"))
"""No database at all: whatever touches it fails."""


def refusals(channel: str, reason: str) -> float:
    labels = {"channel": channel, "reason": reason}
    return REGISTRY.get_sample_value("steward_callback_refusals_total", labels) or 0.0


def unknown_events(event_type: str) -> float:
    return REGISTRY.get_sample_value("steward_unknown_events_total", {"type": event_type}) or 0.0


def verification(cryptor: Cryptor, plaintext: str, *, at: datetime, nonce: str = "n") -> dict[str, str]:
    encrypted, timestamp = cryptor.encrypt(plaintext), str(int(at.timestamp()))
    signature = cryptor.sign(timestamp, nonce, encrypted)
    return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": encrypted}


class TestAddressVerification:
    """F1: the GET is answered with exactly the plaintext, without touching the database."""

    async def test_the_official_sample_is_answered(self, clock: FakeClock) -> None:
        settings = test_settings(
            WECOM_CORP_ID="wx5823bf96d3bd56c7",
            WECOM_APP_TOKEN="QDG6eK",
            WECOM_APP_AES_KEY="jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        )
        clock.set(datetime.fromtimestamp(1409659589, clock.now().tzinfo))

        async with client_of(build_intake(settings, AWAY, clock), AWAY, clock) as http:
            answer = await http.get(f"/callbacks/app?{OFFICIAL_QUERY}")

        assert (answer.status_code, answer.content) == (200, b"1616140317555161061")
        assert answer.headers["content-type"].startswith("text/plain")

    @pytest.mark.parametrize("path", ["app", "app/", "contacts", "contacts/"])
    async def test_each_channel_answers_with_its_own_keys(
        self, path: str, settings: Settings, clock: FakeClock
    ) -> None:
        app, contacts = cryptors()
        query = verification(app if path.startswith("app") else contacts, "8675309001", at=clock.now())

        async with client_of(build_intake(settings, AWAY, clock), AWAY, clock) as http:
            answer = await http.get(f"/callbacks/{path}", params=query)

        assert (answer.status_code, answer.content) == (200, b"8675309001")

    async def test_a_stranger_learns_nothing(self, platform: Platform, now: datetime) -> None:
        query = verification(platform.app, "1", at=now) | {"msg_signature": "0" * 40}

        answer = await platform.http.get("/callbacks/app", params=query)

        assert (answer.status_code, answer.content) == (403, b"")

    @pytest.mark.parametrize("missing", ["msg_signature", "timestamp", "nonce", "echostr"])
    async def test_every_parameter_is_needed(self, missing: str, platform: Platform, now: datetime) -> None:
        query = verification(platform.app, "1", at=now)
        del query[missing]

        assert (await platform.http.get("/callbacks/app", params=query)).status_code == 400

    @pytest.mark.parametrize(
        "mangled",
        [
            lambda echostr: quote(echostr, safe="").replace("%2B", "+"),
            lambda echostr: quote(echostr.replace("+", " "), safe=""),
            lambda echostr: quote(quote(echostr, safe=""), safe=""),
            lambda echostr: quote(quote(quote(echostr, safe=""), safe=""), safe=""),
        ],
        ids=["a bare plus", "a space for a plus", "encoded twice", "encoded three times"],
    )
    async def test_an_echostr_that_a_proxy_has_changed_is_accepted(
        self, mangled: Callable[[str], str], platform: Platform, now: datetime
    ) -> None:
        """It is base64 (callbacks trap 5), in which neither a space nor a percent sign has a place."""
        query = next(
            made for n in range(1_000) if "+" in (made := verification(platform.app, f"86{n}", at=now))["echostr"]
        )
        encoded = (
            urlencode({name: query[name] for name in query if name != "echostr"})
            + "&echostr="
            + mangled(query["echostr"])
        )

        answer = await platform.http.get(f"/callbacks/app?{encoded}")

        assert answer.status_code == 200
        assert answer.text.startswith("86")

    async def test_there_is_no_third_channel(self, platform: Platform) -> None:
        assert (await platform.http.get("/callbacks/other")).status_code in {404, 422}


class TestAnEventIsStoredBeforeTheAnswer:
    """F6, P1: the raw event is committed before the 200."""

    @pytest.mark.parametrize("path", ["app", "app/", "contacts", "contacts/"])
    async def test_it_is_there_when_the_answer_comes(self, path: str, platform: Platform, now: datetime) -> None:
        cryptor = platform.app if path.startswith("app") else platform.contacts
        body = payload("change_contact__update_user__renamed")

        answer = await platform.post(seal(cryptor, body, at=now), path)

        assert (answer.status_code, answer.content) == (200, b"")
        (row,) = await platform.rows()
        assert (row.app_id, row.event_type, row.subject) == (
            path.rstrip("/"),
            "change_contact.update_user",
            "user:u001",
        )
        assert (row.body, row.state, row.received_at, row.repeats) == (body, EventState.PENDING, now, 0)
        assert row.correlation_id

    async def test_what_the_sandbox_pushes_is_accepted(
        self, settings: Settings, sessions: Sessions, clock: FakeClock, now: datetime
    ) -> None:
        intake = build_intake(settings, sessions, clock)
        await intake.start()
        channel = CallbackChannel(cryptors()[0], None, 1000007)
        sent = sandbox_seal(
            channel, payload("message__text").decode(), corp_id=SandboxConfig().corp_id, now=now.timestamp()
        )

        async with client_of(intake, sessions, clock) as http:
            answer = await http.post("/callbacks/app", params=sent.params, content=sent.body)
        await intake.stop()

        assert answer.status_code == 200

    async def test_a_failed_commit_is_503_and_not_200(self, platform: Platform, now: datetime) -> None:
        async with transaction(platform.sessions) as session:
            await session.execute(
                text("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$")
            )
            await session.execute(
                text(
                    "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON received_events DEFERRABLE INITIALLY DEFERRED "
                    "FOR EACH ROW EXECUTE FUNCTION refuse()"
                )
            )

        answer = await platform.post(seal(platform.app, plain_event(), at=now))

        assert (answer.status_code, answer.content) == (503, b"")
        assert await platform.rows() == []

    async def test_a_click_is_answered_with_received_sealed_for_the_platform(
        self, platform: Platform, now: datetime
    ) -> None:
        """D7: signed and encrypted so that wechatpy, standing for the platform, opens it."""
        config = SandboxConfig()

        answer = await platform.post(seal(platform.app, payload("template_card_event__button"), at=now))

        envelope = parse(answer.content)
        opened = WeChatCrypto(config.app_token, config.app_aes_key, config.corp_id).decrypt_message(
            answer.text,
            envelope.findtext("MsgSignature"),
            envelope.findtext("TimeStamp"),
            envelope.findtext("Nonce"),
        )
        assert "update_button" in opened
        assert "已收到" in opened

    async def test_agent_ids_refuse_nothing(self, platform: Platform, now: datetime) -> None:
        """Trap 40: approval events carry the system app's 3010040."""
        answer = await platform.post(seal(platform.app, payload("sys_approval_change"), at=now))

        assert answer.status_code == 200
        assert [row.subject for row in await platform.rows()] == ["sp:202311140007"]

    async def test_control_characters_in_a_text_lose_no_event(self, platform: Platform, now: datetime) -> None:
        """People paste them, and the platform passes them on; XML has no place for them."""
        typed = plain_event("enter_agent", more="<EventKey><![CDATA[a\x08b\ufffe]]></EventKey>", at=now)

        assert (await platform.post(seal(platform.app, typed, at=now))).status_code == 200
        (row,) = await platform.rows()
        assert (row.event_type, row.body) == ("enter_agent", typed)

    async def test_an_unknown_event_is_stored_and_counted(self, platform: Platform, now: datetime) -> None:
        before = unknown_events("brand_new")

        for _ in range(2):
            assert (await platform.post(seal(platform.app, plain_event("brand_new"), at=now))).status_code == 200

        assert [row.event_type for row in await platform.rows()] == ["brand_new"]
        assert unknown_events("brand_new") == before + 1

    async def test_a_known_event_with_odd_content_is_stored_too(self, platform: Platform, now: datetime) -> None:
        nine = plain_event("change_contact", more="<ChangeType>create_party</ChangeType><Id>nine</Id>")

        assert (await platform.post(seal(platform.contacts, nine, at=now), "contacts")).status_code == 200


async def test_requests_that_keep_every_connection_busy_do_not_hold_up_callbacks(
    database: str, settings: Settings, clock: FakeClock
) -> None:
    """P1, F7: slow reports of other services are no reason for the platform to hang up."""
    services = build(settings, database, clock=clock)
    await services.intake.start()
    sealed = seal(cryptors()[0], plain_event(), at=clock.now())
    query = urlencode(sealed.params).encode()
    async with AsyncExitStack() as busy:
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                while True:
                    session = await busy.enter_async_context(transaction(services.sessions))
                    await session.execute(text("SELECT 1"))

        answer = await services.intake.receive(APP, query, sealed.body)
    await services.intake.stop()
    await services.aclose()

    assert answer.status == 200


NO_TEXT = b"\xff\xfe<\x00x\x00m\x00l\x00>"
OTHER_BYTES = (
    b"<xml><MsgType>event</MsgType><Event>change_contact</Event><ChangeType>update_user</ChangeType>"
    b"<UserID>u00007</UserID><Alias><![CDATA[\xb3\x5c]]></Alias></xml>"
)
PROVIDER = (
    b"<xml><SuiteId><![CDATA[ww4asffe99e54c0f4c]]></SuiteId><InfoType><![CDATA[change_auth]]></InfoType>"
    b"<TimeStamp>1403610513</TimeStamp><AuthCorpId><![CDATA[wxf8b4f85f3a794e77]]></AuthCorpId></xml>"
)
BOMB = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>]><xml><MsgType>&b;</MsgType></xml>"


class TestWhatAKeyOfOursHasSealedIsKeptWhateverItHolds:
    """P1: the platform has made it and sends it once. It is kept byte for byte, and shown as what it is."""

    @pytest.mark.parametrize(
        ("plaintext", "event_type", "subject"),
        [
            (odd("cdata-end-in-a-text"), "message.text", "user:u00001"),
            (odd("white-space-around-values"), "change_contact.update_user", "user:u00002"),
            (odd("unused-field-is-no-number"), "change_contact.update_user", "user:u00006"),
            (b"\n \xef\xbb\xbf<xml><MsgType> text </MsgType></xml>\n", "message.text", "event:message.text"),
            (b"\xef\xbb\xbf\n<xml><MsgType> text </MsgType></xml>\n", "message.text", "event:message.text"),
            (OTHER_BYTES, "change_contact.update_user", "user:u00007"),
            (PROVIDER, "provider.change_auth", "event:provider.change_auth"),
            (b"not xml", "unreadable.bad_xml", "event:unreadable.bad_xml"),
            (b'{"MsgType": "event"}', "unreadable.bad_xml", "event:unreadable.bad_xml"),
            (b"", "unreadable.bad_xml", "event:unreadable.bad_xml"),
            (NO_TEXT, "unreadable.not_utf8", "event:unreadable.not_utf8"),
            (BOMB, "unreadable.entities", "event:unreadable.entities"),
            (b"<xml/>", "unreadable.wrong_content", "event:unreadable.wrong_content"),
            (
                b"<xml><MsgType> </MsgType><Event>x</Event></xml>",
                "unreadable.wrong_content",
                "event:unreadable.wrong_content",
            ),
        ],
    )
    async def test_it_is_stored_and_answered_with_200(
        self, plaintext: bytes, event_type: str, subject: str, platform: Platform, now: datetime
    ) -> None:
        answer = await platform.post(seal(platform.app, plaintext, at=now))

        assert (answer.status_code, answer.content) == (200, b"")
        (row,) = await platform.rows()
        assert (row.event_type, row.subject, row.body) == (event_type, subject, plaintext)

    async def test_it_is_counted_by_what_it_is_and_a_repeat_is_a_repeat(
        self, platform: Platform, now: datetime
    ) -> None:
        before = unknown_events("unreadable.bad_xml")

        for _ in range(2):
            await platform.post(seal(platform.app, b"neither this nor that", at=now))

        assert [row.repeats for row in await platform.rows()] == [1]
        assert unknown_events("unreadable.bad_xml") == before + 1


class TestTheAddress:
    """Whoever joins an address and a path often doubles the slash between them."""

    @pytest.mark.parametrize("path", ["//callbacks/app", "/callbacks/app//", "/callbacks//app/", "///callbacks/app"])
    async def test_doubled_slashes_are_tolerated(
        self, path: str, settings: Settings, sessions: Sessions, clock: FakeClock, now: datetime
    ) -> None:
        intake = build_intake(settings, sessions, clock)
        application = Application()
        application.state.services = Services(intake, sessions, clock)
        await intake.start()
        sealed = seal(cryptors()[0], plain_event(), at=now)

        async with serving(application) as base:
            host, _, port = base.removeprefix("http://").partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            # By hand: clients mend such a path themselves. With the offer that some of them make beside.
            writer.write(
                f"POST {path}?{urlencode(sealed.params)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(sealed.body)}\r\n"
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n".encode()
                + sealed.body
            )
            status = await reader.readline()
            writer.close()
        await intake.stop()

        assert b" 200 " in status


class TestARepeat:
    """F3, F8, P2: inside the window a repeat is a duplicate, answered 200 without effect."""

    async def test_the_same_request_again(self, platform: Platform, now: datetime) -> None:
        sealed = seal(platform.app, payload("message__text"), at=now)

        answers = [await platform.post(sealed) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200] * 3
        assert [row.repeats for row in await platform.rows()] == [2]

    async def test_the_same_body_encrypted_anew(self, platform: Platform, now: datetime, clock: FakeClock) -> None:
        body = payload("message__text")
        await platform.post(seal(platform.app, body, at=now))
        clock.advance(timedelta(minutes=1))
        await platform.post(seal(platform.app, body, at=clock.now()))

        assert [row.repeats for row in await platform.rows()] == [1]

    async def test_at_the_same_time(self, platform: Platform, now: datetime) -> None:
        body = payload("message__text")

        answers = await asyncio.gather(*(platform.post(seal(platform.app, body, at=now)) for _ in range(20)))

        assert {answer.status_code for answer in answers} == {200}
        assert [row.repeats for row in await platform.rows()] == [19]

    async def test_two_events_of_one_second_are_two(self, platform: Platform, now: datetime) -> None:
        """Trap 10: sys events of one second differ only in their business id."""
        first = payload("sys_approval_change")
        second = first.replace(b"202311140007", b"202311140008")

        for body in (first, second):
            await platform.post(seal(platform.app, body, at=now))

        assert len(await platform.rows()) == 2

    async def test_a_repeated_click_gets_the_same_reply_inside(self, platform: Platform, now: datetime) -> None:
        def opened(answer: httpx.Response) -> str:
            return platform.app.decrypt(parse(answer.content).findtext("Encrypt") or "")

        body = payload("template_card_event__button")
        answers = [await platform.post(seal(platform.app, body, at=now)) for _ in range(2)]

        assert opened(answers[0]) == opened(answers[1])


class TestARefusal:
    """F2: 4xx, no side effect, counted by reason; the log holds the reason only."""

    async def refused(self, platform: Platform, sealed: Sealed, reason: str, channel: str = "app") -> httpx.Response:
        before = refusals(channel, reason)
        answer = await platform.post(sealed, channel)
        assert refusals(channel, reason) == before + 1
        assert answer.content == b""
        assert await platform.rows() == []
        return answer

    async def test_a_bad_signature(self, platform: Platform, now: datetime) -> None:
        sealed = seal(platform.app, plain_event(), at=now)
        forged = Sealed(sealed.params | {"msg_signature": "0" * 40}, sealed.body)

        assert (await self.refused(platform, forged, "bad_signature")).status_code == 403

    async def test_keys_of_the_other_channel(self, platform: Platform, now: datetime) -> None:
        answer = await self.refused(platform, seal(platform.contacts, plain_event(), at=now), "other_channel")

        assert answer.status_code == 403

    @pytest.mark.parametrize(
        ("minutes", "reason"), [(-6, "stale_timestamp"), (6, "future_timestamp")], ids=["old", "early"]
    )
    async def test_outside_the_window(self, minutes: int, reason: str, platform: Platform, now: datetime) -> None:
        sealed = seal(platform.app, plain_event(), at=now + timedelta(minutes=minutes))

        assert (await self.refused(platform, sealed, reason)).status_code == 403

    async def test_another_receiver(self, platform: Platform, now: datetime) -> None:
        stranger = Cryptor(platform.app.token, platform.app.aes_key, "wwstranger")

        assert (
            await self.refused(platform, seal(stranger, plain_event(), at=now), "wrong_receiver")
        ).status_code == 403

    @pytest.mark.parametrize(
        ("aes_key", "disagrees"),
        [("N" * 43, "aes_key"), (SandboxConfig().contacts_aes_key, "aes_key: the other channel's")],
        ids=["a third", "the other channel's"],
    )
    async def test_another_aes_key(self, aes_key: str, disagrees: str, platform: Platform, now: datetime) -> None:
        stranger = Cryptor(platform.app.token, aes_key, platform.app.receive_id)
        sealed = seal(stranger, plain_event(), at=now)

        with structlog.testing.capture_logs() as logs:
            assert (await platform.post(sealed)).status_code == 400
        assert [line["disagrees"] for line in logs if line["event"] == "callback.refused"] == [disagrees]

    async def test_not_base64(self, platform: Platform, now: datetime) -> None:
        assert (await self.refused(platform, wrap(platform.app, "!!!", at=now), "bad_base64")).status_code == 400

    @pytest.mark.parametrize(
        ("body", "reason", "status"),
        [
            (b"", "bad_xml", 400),
            (
                b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><xml><Encrypt>&e;</Encrypt></xml>",
                "entities",
                400,
            ),
            (b"\xff\xfe", "not_utf8", 400),
            (b"x" * (MAX_BODY + 1), "too_large", 413),
        ],
        ids=["empty", "entity", "binary", "too large"],
    )
    async def test_an_envelope_that_is_none(
        self, body: bytes, reason: str, status: int, platform: Platform, now: datetime
    ) -> None:
        params = seal(platform.app, plain_event(), at=now).params

        assert (await self.refused(platform, Sealed(params, body), reason)).status_code == status

    async def test_a_body_without_its_query(self, platform: Platform, now: datetime) -> None:
        bare = Sealed({}, seal(platform.app, plain_event(), at=now).body)

        assert (await self.refused(platform, bare, "missing_parameter")).status_code == 400

    async def test_the_log_holds_no_body_token_or_signature(
        self, platform: Platform, now: datetime, settings: Settings
    ) -> None:
        sealed = seal(platform.contacts, plain_event(sender="somebody"), at=now)

        with structlog.testing.capture_logs() as logs:
            await platform.post(sealed)

        said = str([line for line in logs if is_ours(line)])
        assert "other_channel" in said
        for secret in (sealed.params["msg_signature"], SandboxConfig().app_token, "somebody", sealed.body.decode()):
            assert secret not in said


class TestRotation:
    """The previous token and AES key are accepted for a while, and replied to with the same."""

    async def test_the_old_keys_still_open_and_are_answered_with(
        self, sessions: Sessions, clock: FakeClock, now: datetime
    ) -> None:
        config = SandboxConfig()
        settings = test_settings(
            WECOM_APP_TOKEN="newtoken",
            WECOM_APP_AES_KEY="N" * 43,
            WECOM_APP_PREVIOUS_TOKEN=config.app_token,
            WECOM_APP_PREVIOUS_AES_KEY=config.app_aes_key,
        )
        old, _ = cryptors()
        new = Cryptor("newtoken", "N" * 43, config.corp_id)
        intake = build_intake(settings, sessions, clock)
        await intake.start()
        async with client_of(intake, sessions, clock) as http:
            for keys in (old, new):
                sealed = seal(keys, payload("template_card_event__button"), at=now)
                answer = await http.post("/callbacks/app", params=sealed.params, content=sealed.body)
                assert answer.status_code == 200
                assert "update_button" in keys.decrypt(parse(answer.content).findtext("Encrypt") or "")
        await intake.stop()


def is_ours(line: MutableMapping[str, Any]) -> bool:
    return str(line["event"]).startswith("callback")
