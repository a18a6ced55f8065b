"""How a call can fail, at the HTTP boundary: what the sandbox cannot say is scripted here."""

from __future__ import annotations

import httpx
import pytest
from structlog.testing import capture_logs

from app.wecom.client import WecomClient
from app.wecom.errors import (
    AppRefused,
    HttpFailure,
    Never,
    NotReached,
    NotUnderstood,
    OutcomeUnknown,
    TokenRefused,
    TryAgain,
    WaitUntil,
    WecomError,
)
from models.delivery import CallKind
from tests.fakes.clock import MONDAY_9AM, FakeClock
from tests.wecom.scripted import ScriptedPlatform, client_over, http_over, refused

BODY = '{"touser":"li","msgtype":"text","text":{"content":"你好"}}'.encode()

BEFORE_SENDING = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("no route"),
    httpx.PoolTimeout("busy"),
    httpx.ProxyError("407 Proxy Authentication Required"),
]
AFTER_SENDING = [
    httpx.ReadTimeout("late"),
    httpx.WriteTimeout("slow"),
    httpx.WriteError("broken pipe"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("disconnected"),
    httpx.Response(502, text="bad gateway"),
    httpx.Response(200, text="<html>"),
    httpx.Response(200, text="[]"),
    httpx.Response(200, text='{"errcode": "soon"}'),
    httpx.Response(200, text='{"errcode": "0", "errmsg": "ok"}'),
    httpx.Response(200, text='{"errcode": null}'),
    httpx.Response(200, content=b""),
    httpx.Response(200, text='{"errcode": 0, "msgid": "cut o'),
    httpx.DecodingError("a body that is not the gzip it says"),
]


class TestWrites:
    """A time-out after sending is a result of its own type; nothing of unknown outcome is repeated."""

    @pytest.mark.parametrize("failure", BEFORE_SENDING, ids=lambda failure: type(failure).__name__)
    async def test_nothing_sent_is_said(
        self, client: WecomClient, scripted: ScriptedPlatform, failure: Exception
    ) -> None:
        scripted.answers("message/send", failure)
        with pytest.raises(NotReached, match="请求没有发出"):
            await client.call(CallKind.MESSAGE_SEND, BODY)
        assert len(scripted.requests) == 1

    @pytest.mark.parametrize("failure", AFTER_SENDING, ids=repr)
    async def test_a_lost_answer_is_an_unknown_outcome(
        self, client: WecomClient, scripted: ScriptedPlatform, failure: Exception | httpx.Response
    ) -> None:
        scripted.answers("message/send", failure)
        with pytest.raises(OutcomeUnknown, match="可能已经生效"):
            await client.call(CallKind.MESSAGE_SEND, BODY)
        assert len(scripted.requests) == 1

    @pytest.mark.parametrize("status", [302, 403, 404, 407])
    async def test_an_answer_of_something_in_between_had_no_effect(
        self, client: WecomClient, scripted: ScriptedPlatform, status: int
    ) -> None:
        scripted.answers("message/send", httpx.Response(status))
        with pytest.raises(HttpFailure) as failure:
            await client.call(CallKind.MESSAGE_SEND, BODY)
        assert failure.value.status == status

    async def test_a_busy_platform_is_not_asked_twice_by_the_client(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        scripted.answers("message/send", refused(-1))
        with pytest.raises(TryAgain):
            await client.call(CallKind.MESSAGE_SEND, BODY)
        assert len(scripted.requests) == 1

    async def test_the_ledgers_bytes_go_out_unchanged(self, client: WecomClient, scripted: ScriptedPlatform) -> None:
        odd = '{ "touser":"li",\n "text": {"content":"“引号”\\n<@li>"} }'.encode()
        await client.call(CallKind.MESSAGE_SEND, odd)
        request = scripted.requests[0]
        assert request.content == odd
        assert request.headers["content-type"] == "application/json"
        assert request.method == "POST"
        assert str(request.url) == "https://platform.test/cgi-bin/message/send?access_token=the-token"

    async def test_a_menu_names_its_app_in_the_address(self, client: WecomClient, scripted: ScriptedPlatform) -> None:
        await client.call(CallKind.MENU_CREATE, b'{"button":[]}')
        assert scripted.requests[0].url.params["agentid"] == "1000002"

    async def test_a_file_goes_out_under_its_chinese_name(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        scripted.answers("media/upload", {"type": "file", "media_id": "m1", "created_at": "1772413200"})
        media = await client.upload_media("file", "会议纪要.txt", b"minutes")
        assert (media.media_id, media.created_at) == ("m1", MONDAY_9AM)
        assert 'name="media"; filename="会议纪要.txt"'.encode() in scripted.requests[0].content

    async def test_an_upload_is_not_a_json_call(self, client: WecomClient) -> None:
        with pytest.raises(ValueError, match="upload_media"):
            await client.call(CallKind.MEDIA_UPLOAD, b"{}")


class TestReads:
    """Reads are repeated up to three times when they fail in passing."""

    @pytest.mark.parametrize(
        "failure", [refused(-1), refused(6000), *BEFORE_SENDING, httpx.ReadTimeout("late")], ids=repr
    )
    async def test_what_passes_is_repeated(
        self, client: WecomClient, scripted: ScriptedPlatform, failure: Exception | dict[str, object]
    ) -> None:
        scripted.answers("user/get", failure, failure, failure, {"errcode": 0, "userid": "li"})
        assert (await client.get_user("li")).userid == "li"
        assert len(scripted.requests) == 4

    @pytest.mark.parametrize(
        ("failure", "kind"),
        [
            (refused(-1), TryAgain),
            (httpx.ConnectError("refused"), NotReached),
            (httpx.ReadTimeout("late"), HttpFailure),
            (httpx.Response(503), HttpFailure),
        ],
        ids=repr,
    )
    async def test_three_repetitions_are_enough(
        self,
        client: WecomClient,
        scripted: ScriptedPlatform,
        failure: Exception | httpx.Response | dict[str, object],
        kind: type[WecomError],
    ) -> None:
        scripted.answers("user/get", *[failure] * 9)
        with pytest.raises(kind):
            await client.get_user("li")
        assert len(scripted.requests) == 4

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (refused(60111), Never),
            (refused(45009), WaitUntil),
            (refused(42001), TokenRefused),
            (httpx.Response(404), HttpFailure),
        ],
        ids=repr,
    )
    async def test_what_does_not_pass_is_not_repeated(
        self,
        client: WecomClient,
        scripted: ScriptedPlatform,
        answer: httpx.Response | dict[str, object],
        kind: type[WecomError],
    ) -> None:
        scripted.answers("user/get", *[answer] * 9)
        with pytest.raises(kind):
            await client.get_user("li")
        # A refused token is replaced and the call made once more.
        assert len(scripted.requests) == (2 if kind is TokenRefused else 1)


class TestTheTokenInACall:
    async def test_a_refused_token_is_replaced_once_also_for_a_write(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        scripted.answers("message/send", refused(40014), {"errcode": 0, "msgid": "m1"})
        assert (await client.call(CallKind.MESSAGE_SEND, BODY)).msgid == "m1"
        assert [request.url.params["access_token"] for request in scripted.requests] == ["the-token", "the-next-token"]
        assert [request.content for request in scripted.requests] == [BODY, BODY]

    async def test_a_second_refusal_is_final(self, client: WecomClient, scripted: ScriptedPlatform) -> None:
        scripted.answers("message/send", *[refused(42001)] * 5)
        with pytest.raises(TokenRefused):
            await client.call(CallKind.MESSAGE_SEND, BODY)
        assert len(scripted.requests) == 2

    async def test_a_lost_answer_is_never_replayed(self, client: WecomClient, scripted: ScriptedPlatform) -> None:
        scripted.answers("message/send", refused(40014), httpx.ReadTimeout("late"))
        with pytest.raises(OutcomeUnknown):
            await client.call(CallKind.MESSAGE_SEND, BODY)
        assert len(scripted.requests) == 2


class TestUntrustedAddress:
    """60020: the address to add is the one the platform prints (callbacks §6.5)."""

    @pytest.mark.parametrize("ip", ["203.0.113.9", "2001:db8::17"])
    async def test_is_lifted_out_and_told(self, client: WecomClient, scripted: ScriptedPlatform, ip: str) -> None:
        scripted.answers("department/simplelist", refused(60020, "not allow to access from your ip", ip=ip))
        with pytest.raises(AppRefused) as refusal:
            await client.get_department_ids()
        assert refusal.value.caller_ip == ip
        assert f"把 {ip} 加到管理后台该应用的“企业可信IP”" in str(refusal.value)
        assert f"Add {ip} to 企业可信IP" in refusal.value.cure_en

    async def test_without_an_address_the_sentence_still_stands(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        scripted.answers("department/simplelist", {"errcode": 60020, "errmsg": "not allowed"})
        with pytest.raises(AppRefused, match="把 服务器的出口 IP 加到"):
            await client.get_department_ids()


class TestAlarms:
    async def test_a_body_half_understood_is_an_alarm_even_when_it_worked(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        scripted.answers("message/send", {"errcode": 0, "errmsg": "ok. Warning: wrong json format. "})
        with capture_logs() as logs:
            await client.call(CallKind.MESSAGE_SEND, BODY)
        assert [line["path"] for line in logs if line["event"] == "platform.wrong_json"] == ["message/send"]

    async def test_an_unknown_code_asks_for_a_line_in_the_table(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        scripted.answers("user/get", refused(999_999))
        with capture_logs() as logs, pytest.raises(NotUnderstood):
            await client.get_user("li")
        assert ("platform.unknown_errcode", "error") in [(line["event"], line["log_level"]) for line in logs]

    async def test_logs_hold_path_code_and_time_but_no_token_and_no_body(
        self, client: WecomClient, scripted: ScriptedPlatform, caplog: pytest.LogCaptureFixture
    ) -> None:
        scripted.answers("message/send", {"errcode": 0}, refused(81013))
        with capture_logs() as logs:
            await client.call(CallKind.MESSAGE_SEND, BODY)
            with pytest.raises(Never):
                await client.call(CallKind.MESSAGE_SEND, BODY)
        called = [line for line in logs if line["event"] == "platform.called"]
        assert [(line["path"], line["outcome"], line["errcode"]) for line in called] == [
            ("message/send", "ok", 0),
            ("message/send", "never", 81013),
        ]
        assert "the-token" not in str(logs)
        assert "你好" not in str(logs)


class TestBaseUrl:
    """The base URL is a setting: private deployments and sandboxes (F107)."""

    async def test_paths_are_added_to_it(self, scripted: ScriptedPlatform, clock: FakeClock) -> None:
        async with http_over(scripted, base="http://gateway.corp:8443/wecom/cgi-bin") as http:
            await client_over(http, clock).call(CallKind.MESSAGE_SEND, BODY)
        assert str(scripted.requests[0].url).startswith("http://gateway.corp:8443/wecom/cgi-bin/message/send?")
