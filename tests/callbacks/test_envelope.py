"""F5, F8: XML closed to entities, the query decoded once, the duplicate key over the whole body."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.middleware import LARGEST_BODY
from callbacks.deduplication import dedup_key
from callbacks.envelope import MAX_BODY, parse, read_envelope, read_header, read_query
from callbacks.errors import Reason, Refused

QUERY = b"msg_signature=s&timestamp=1&nonce=n"


def refused_for(xml: bytes) -> Reason:
    with pytest.raises(Refused) as refusal:
        read_envelope(QUERY, xml)
    return refusal.value.reason


class TestTheQuery:
    """callbacks §1.2: percent-decode exactly once; a `+` of base64 stays a `+`."""

    def test_a_plus_survives_encoded_or_not(self) -> None:
        assert read_query(b"echostr=a%2Bb+c%2Fd%3D%3D", "echostr") == ["a+b+c/d=="]

    def test_it_is_decoded_once_only(self) -> None:
        assert read_query(b"nonce=%252B", "nonce") == ["%2B"]

    @pytest.mark.parametrize("query", [b"", b"nonce", b"nonce=", b"other=1", b"=&&="])
    def test_a_missing_parameter_is_named_so(self, query: bytes) -> None:
        with pytest.raises(Refused, match="missing_parameter"):
            read_query(query, "nonce")

    def test_bytes_outside_utf8_are_refused(self) -> None:
        with pytest.raises(Refused, match="not_utf8"):
            read_query(b"nonce=%ff", "nonce")

    @given(st.binary(max_size=200))
    def test_whatever_comes_it_is_read_or_refused(self, query: bytes) -> None:
        with suppress(Refused):
            read_query(query, "msg_signature", "timestamp")


class TestTheEnvelope:
    """F5: closed to DTD and entities; a body cap."""

    def test_the_ciphertext_is_taken_out(self) -> None:
        xml = b"<xml><ToUserName><![CDATA[ww]]></ToUserName><Encrypt><![CDATA[abc=]]></Encrypt></xml>"

        assert read_envelope(QUERY, xml).encrypted == "abc="

    @pytest.mark.parametrize(
        ("xml", "reason"),
        [
            (b"", Reason.BAD_XML),
            (b"{}", Reason.BAD_XML),
            (b"<xml>", Reason.BAD_XML),
            (b"<xml><Encrypt>a</Encrypt></xml><more/>", Reason.BAD_XML),
            (b"<xml><Encrypt>&undefined;</Encrypt></xml>", Reason.BAD_XML),
            (b"<xml/>", Reason.WRONG_CONTENT),
            (b"<xml><Encrypt>  </Encrypt></xml>", Reason.WRONG_CONTENT),
            (b"<xml><Encrypt>\xff</Encrypt></xml>", Reason.NOT_UTF8),
            (b"<!DOCTYPE xml><xml><Encrypt>a</Encrypt></xml>", Reason.ENTITIES),
            (b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>', Reason.ENTITIES),
            (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml><Encrypt>a</Encrypt></xml>', Reason.ENTITIES),
            (b"<xml>" + b"a" * MAX_BODY + b"</xml>", Reason.TOO_LARGE),
        ],
    )
    def test_anything_else_is_refused_with_its_reason(self, xml: bytes, reason: Reason) -> None:
        assert refused_for(xml) is reason

    def test_a_declared_encoding_does_not_choose_the_decoder(self) -> None:
        with pytest.raises(Refused, match="not_utf8"):
            parse('<?xml version="1.0" encoding="utf-16"?><xml/>'.encode("utf-16"))

    @given(st.binary(max_size=300))
    def test_whatever_comes_it_parses_or_is_refused(self, body: bytes) -> None:
        with suppress(Refused):
            read_header(parse(body))

    @given(st.text(max_size=60))
    def test_whatever_stands_in_the_header_it_is_read(self, text: str) -> None:
        xml = f"<xml><MsgType>event</MsgType><Event><![CDATA[{text}]]></Event><CreateTime>{text}</CreateTime></xml>"
        with suppress(Refused):
            assert len(read_header(parse(xml.encode())).event_type) <= 100


class TestTheHeader:
    def test_a_change_is_named_after_its_event(self) -> None:
        header = read_header(
            parse(
                b"<xml><MsgType>event</MsgType><Event>change_contact</Event><ChangeType>update_user</ChangeType>"
                b"<FromUserName>sys</FromUserName><CreateTime>1700000000</CreateTime></xml>"
            )
        )

        assert header.event_type == "change_contact.update_user"
        assert header.created_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)

    def test_a_message_is_told_from_an_event_of_the_same_name(self) -> None:
        assert read_header(parse(b"<xml><MsgType>location</MsgType></xml>")).event_type == "message.location"
        location = b"<xml><MsgType>event</MsgType><Event>LOCATION</Event></xml>"
        assert read_header(parse(location)).event_type == "location"

    def test_a_body_without_a_type_is_not_a_callback(self) -> None:
        with pytest.raises(Refused, match="wrong_content"):
            read_header(parse(b"<xml/>"))


class TestTheDuplicateKey:
    """F8: over receiver and the whole decrypted body; FromUserName + CreateTime loses real events."""

    def test_one_body_has_one_key(self) -> None:
        assert dedup_key("app", "ww", b"<xml/>", "") == dedup_key("app", "ww", b"<xml/>", "")

    def test_another_channel_corp_body_or_message_is_another_event(self) -> None:
        keys = {
            dedup_key("app", "ww", b"<xml/>", "1"),
            dedup_key("contacts", "ww", b"<xml/>", "1"),
            dedup_key("app", "wx", b"<xml/>", "1"),
            dedup_key("app", "ww", b"<xml></xml>", "1"),
            dedup_key("app", "ww", b"<xml/>", "2"),
        }
        assert len(keys) == 5


def test_a_body_that_is_too_large_is_refused_here_and_counted_before_the_web_layer_cuts_it_off() -> None:
    assert MAX_BODY < LARGEST_BODY
