"""What a message says is stored as it always was, and read back as it was meant."""

from __future__ import annotations

from typing import Any

import pytest

from app.delivery import compose
from app.delivery.content import ON, CardContent, GroupTextContent, MessageContent, TextContent, read_content
from app.wecom.message_bodies.card import Card, CardButton

CARD = Card(
    "题",
    source="企微管家",
    fields=[("甲", "乙")],
    buttons=[CardButton("同意", "approval.approve:1")],
    url="https://example.com",
    outcome="完",
)

STORED: list[tuple[MessageContent, dict[str, Any]]] = [
    (
        CardContent(card=CARD),
        {
            "card": {
                "title": "题",
                "desc": "",
                "source": "企微管家",
                "fields": [["甲", "乙"]],
                "buttons": [{"text": "同意", "key": "approval.approve:1", "style": 1, "url": None}],
                "url": "https://example.com",
                "sub_title": "",
                "quote": "",
                "outcome": "完",
            }
        },
    ),
    (TextContent(text="请查收"), {"text": "请查收"}),
    (TextContent(text="请查收", safe=ON), {"text": "请查收", "safe": 1}),
    (GroupTextContent(text="大家好", mentioned=["li"]), {"text": "大家好", "mentioned": ["li"]}),
    (GroupTextContent(text="大家好", mentioned=[]), {"text": "大家好", "mentioned": []}),
]
"""Every shape that version 60cb961 stored."""


class TestContent:
    @pytest.mark.parametrize(("content", "stored"), STORED)
    def test_it_is_stored_as_before(self, content: MessageContent, stored: dict[str, Any]) -> None:
        assert content.dump() == stored

    @pytest.mark.parametrize(("content", "stored"), STORED)
    def test_what_is_stored_says_the_same(self, content: MessageContent, stored: dict[str, Any]) -> None:
        read = read_content(stored)
        assert type(read) is type(content)
        assert read.dump() == stored

    def test_a_card_that_was_stored_goes_out_as_it_was_meant(self) -> None:
        [part] = compose.parts_of(read_content(STORED[0][1]))
        body = compose.body_for(part, userids=["li"], agent_id=1, window_seconds=60, task_id="card-1")
        assert body["template_card"] == CARD.to_template_card("card-1")
