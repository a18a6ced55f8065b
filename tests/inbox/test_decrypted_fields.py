"""F116: a received event field by field, whatever somebody managed to put into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.inbox.decrypted_fields import MOST, decrypted_fields

PAYLOADS = Path(__file__).parents[1] / "callbacks" / "payloads"


def test_in_the_order_of_the_document_with_the_path_of_each() -> None:
    body = (
        "<xml><Event><![CDATA[click]]></Event><Items><Item><Key> a </Key></Item><Item><Key>b</Key></Item></Items></xml>"
    )
    assert decrypted_fields(body.encode()) == [("Event", "click"), ("Items/Item/Key", "a"), ("Items/Item/Key", "b")]


def test_the_code_that_changes_a_card_is_shown_to_nobody() -> None:
    assert decrypted_fields(b"<xml><ResponseCode>rc-1</ResponseCode></xml>") == [("ResponseCode", "…")]


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.xml")), ids=lambda path: path.stem)
def test_every_payload_of_the_platform_can_be_read(path: Path) -> None:
    assert ("MsgType" in dict(decrypted_fields(path.read_bytes()))) or "InfoType" in dict(
        decrypted_fields(path.read_bytes())
    )


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"no xml",
        b"<xml><a></xml>",
        b"\xff\xfe",
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><A>&a;</A></xml>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml><A/></xml>',
    ],
)
def test_what_is_no_document_has_no_fields(body: bytes | None) -> None:
    assert decrypted_fields(body) == []


def test_control_characters_that_people_paste_lose_nothing() -> None:
    assert decrypted_fields(b"<xml><A>a\x0bb</A></xml>") == [("A", "a\ufffdb")]


def test_a_flood_of_fields_is_cut() -> None:
    assert len(decrypted_fields(b"<xml>" + b"<A>1</A>" * (MOST + 5) + b"</xml>")) == MOST
