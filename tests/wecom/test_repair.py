"""The JSON of the platform, with characters in it that no text may hold."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wecom.answers.repair import RepairedAnswer, read_answer, repaired_fields
from app.wecom.client import WecomClient
from app.wecom.errors import HttpFailure
from app.wecom.payloads import UserDetail
from models.delivery import CallKind
from tests.wecom.scripted import ScriptedPlatform

PLACES = [b"\x00", b"\x0b", b"\x1f", b"\xff", b"\xe7\x8e", b"\\ud83d", b"\\ude00", b"\xed\xa0\xbd", b"\\u0000"]


class TestReading:
    @pytest.mark.parametrize("illegal", PLACES, ids=repr)
    def test_only_the_illegal_character_is_lost(self, illegal: bytes) -> None:
        answer = read_answer(
            b'{"errcode":0,"list":[{"name":"a' + illegal + b'b"},{"name":"\xe7\x8e\x8b \\ud83d\\ude00"}]}'
        )
        first, second = (row["name"] for row in answer["list"])
        assert first.strip("\N{REPLACEMENT CHARACTER}").replace("\N{REPLACEMENT CHARACTER}", "") == "ab"
        assert second == "王 😀"
        assert isinstance(answer, RepairedAnswer)
        assert repaired_fields(answer) == ["list.0.name"]

    @pytest.mark.parametrize(("escape", "read"), [(b"\\x1f", "x1f"), (b"\\ud83-", "-"), (b"\\u", ""), (b"\\ ", " ")])
    def test_an_escape_that_is_none_is_a_character_that_cannot_be_read(self, escape: bytes, read: str) -> None:
        answer = read_answer(b'{"errcode":0,"name":"a' + escape + b'","userid":"li"}')
        assert answer == {"errcode": 0, "name": f"a\N{REPLACEMENT CHARACTER}{read}", "userid": "li"}
        assert repaired_fields(answer) == ["name"]

    @pytest.mark.parametrize(
        "name", ["許".encode("big5"), "成功".encode("big5"), "功許".encode("big5"), b"a\\ud83"], ids=repr
    )
    def test_a_text_whose_end_is_hidden_ends_where_it_does(self, name: bytes) -> None:
        """The last byte of 許 in Big5 is that of the backslash; half an emoji may be cut within its escape."""
        answer = read_answer(b'{"errcode":0,"list":[{"name":"' + name + b'", "userid":"li"},{"name":"x"}]}')
        assert [row.get("userid") for row in answer["list"]] == ["li", None]
        assert repaired_fields(answer) == ["list.0.name"]

    def test_a_number_of_too_many_digits_costs_itself(self) -> None:
        answer = read_answer(b'{"errcode":0,"userlist":[{"userid":"li","status":' + b"9" * 5000 + b"}]}")
        user = UserDetail.model_validate(answer["userlist"][0])
        user.note(answer["userlist"][0], is_repaired=True)
        assert (user.userid, user.status) == ("li", None)
        assert [str(fault) for fault in user.faults] == ["userid 'li': status"]

    def test_a_raw_tab_or_line_end_stays(self) -> None:
        assert read_answer(b'{"a":"x\ty\nz"}') == {"a": "x\ty\nz"}

    @given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists), max_size=5))
    def test_right_answers_are_read_as_ever(self, value: dict[str, object]) -> None:
        written = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        assert repaired_fields(json.loads(written)) == []
        if b"\\u0000" not in written:
            assert read_answer(written) == json.loads(written)

    @given(st.binary(max_size=60))
    def test_whatever_arrives_can_be_stored_or_is_refused(self, inside: bytes) -> None:
        try:
            answer = read_answer(b'{"text":"' + inside + b'"}')
        except ValueError:
            return
        for text in answer.values():
            if isinstance(text, str):
                assert "\x00" not in text
                text.encode()

    @pytest.mark.parametrize("content", [b"", b'{"a":', b"<html>", b"[" * 100_000, b'{"a":1}}'])
    def test_what_is_no_json_is_refused(self, content: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 -- any of them
            read_answer(content)


class TestCalls:
    async def test_a_write_that_succeeded_is_known_to_have(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        said = httpx.Response(200, content=b'{"errcode":0,"errmsg":"ok\x0b\xff","msgid":"m1"}')
        scripted.answers("message/send", said)
        assert (await client.call(CallKind.MESSAGE_SEND, b"{}")).msgid == "m1"

    async def test_of_a_refusal_the_errcode_is_read(self, client: WecomClient, scripted: ScriptedPlatform) -> None:
        scripted.answers("user/get", httpx.Response(200, content=b'{"errcode":60111,"errmsg":"no \xe7 user\x01"}'))
        with pytest.raises(Exception, match="60111"):
            await client.get_user("li")

    @pytest.mark.parametrize("errcode", ["10000000000000000000000", '"0"', "1.5", "null"])
    async def test_an_errcode_that_is_none_is_no_answer(
        self, client: WecomClient, scripted: ScriptedPlatform, errcode: str
    ) -> None:
        scripted.answers("user/get", httpx.Response(200, content=b'{"errcode":%s}' % errcode.encode()))
        with pytest.raises(HttpFailure):
            await client.get_user("li")

    async def test_a_time_beyond_the_calendar_costs_the_time(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        scripted.answers("media/upload", {"type": "file", "media_id": "m1", "created_at": 10**17})
        media = await client.upload_media("file", "a.txt", b"x")
        assert (media.media_id, media.created_at) == ("m1", None)


class TestNumbers:
    @pytest.mark.parametrize("value", [2**64, -(2**64), "1e3", "九", 1.5, 1e400, {}])
    def test_what_is_no_number_costs_itself(self, value: object) -> None:
        user = UserDetail.model_validate({"userid": "li", "department": [value, 4294967295], "status": value})
        user.note({"userid": "li", "department": [value, 4294967295], "status": value}, is_repaired=False)
        assert (user.department_ids, user.status) == ([4294967295], None)
        assert [str(fault) for fault in user.faults] == ["userid 'li': department", "userid 'li': status"]

    @pytest.mark.parametrize(("status", "told"), [(1, 2), (4, 2), ("1", 2), (2, 2), (5, 5)])
    def test_enable_0_is_disabled_whatever_the_status_says(self, status: object, told: int) -> None:
        assert UserDetail.model_validate({"userid": "li", "status": status, "enable": 0}).status == told
        assert UserDetail.model_validate({"userid": "li", "status": status, "enable": "0"}).status == told

    def test_enable_1_changes_nothing(self) -> None:
        assert UserDetail.model_validate({"userid": "li", "status": 1, "enable": 1}).status == 1
        assert UserDetail.model_validate({"userid": "li", "enable": 0}).status is None
