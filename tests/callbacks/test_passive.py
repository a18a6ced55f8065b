"""D7: a passive reply is a pure function of the event."""

from __future__ import annotations

import pytest

from callbacks.envelope import parse, read_header
from callbacks.passive import reply_to
from tests.builders.callbacks import PAYLOADS, payload


def reply(name: str) -> str | None:
    root = parse(payload(name))
    return reply_to(root, read_header(root))


BUTTONS = {f"template_card_event__{name}" for name in ("button", "vote", "multiple", "early_spelling")}


@pytest.mark.parametrize("name", sorted(BUTTONS))
def test_a_clicked_button_turns_to_received(name: str) -> None:
    answer = parse((reply(name) or "").encode())

    assert {child.tag: child.text for child in answer if not len(child)} == {
        "ToUserName": "u001",
        "FromUserName": "wwsim0000000000001",
        "CreateTime": parse(payload(name)).findtext("CreateTime"),
        "MsgType": "update_button",
    }
    assert answer.findtext("Button/ReplaceName") == "已收到"


def test_a_repeat_gets_the_same_reply() -> None:
    assert reply("template_card_event__button") == reply("template_card_event__button")


@pytest.mark.parametrize("name", sorted({path.stem for path in PAYLOADS.glob("*.xml")} - BUTTONS))
def test_everything_else_is_answered_empty(name: str) -> None:
    assert reply(name) is None


def test_a_card_without_buttons_has_nothing_to_turn() -> None:
    notice = payload("template_card_event__button").replace(b"button_interaction", b"text_notice")
    root = parse(notice)

    assert reply_to(root, read_header(root)) is None
