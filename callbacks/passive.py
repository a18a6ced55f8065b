"""Passive replies: a pure function of the event, the same for a repeat (D7).

Only a click on a card with buttons is answered with a face: 已收到, and grey. What came of it follows by
`update_template_card` with that click's code. Everything else is answered empty, messages of people too.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from callbacks.crypto import Keys
from callbacks.envelope import Header, find_text

RECEIVED: Final = "已收到"

# update_button greys the button of the three interaction types; a text_notice has none to grey.
_CARDS_WITH_BUTTONS: Final = frozenset({"button_interaction", "vote_interaction", "multiple_interaction"})


def reply_to(root: Element, header: Header) -> str | None:
    """The plaintext of the reply, without a clock: a repeat of the event gets the same one."""
    if header.event_type != "template_card_event":
        return None
    if find_text(root, "CardType") not in _CARDS_WITH_BUTTONS:
        return None
    created = int(header.created_at.timestamp()) if header.created_at else 0
    return (
        f"<xml><ToUserName>{_cdata(header.sender)}</ToUserName>"
        f"<FromUserName>{_cdata(find_text(root, 'ToUserName'))}</FromUserName>"
        f"<CreateTime>{created}</CreateTime><MsgType><![CDATA[update_button]]></MsgType>"
        f"<Button><ReplaceName>{_cdata(RECEIVED)}</ReplaceName></Button></xml>"
    )


def seal(plaintext: str, keys: Keys, *, nonce: str, timestamp: str) -> bytes:
    """With the keys that the platform used for the event: while they rotate, it may hold the previous ones."""
    return keys.seal(plaintext, nonce=nonce, timestamp=timestamp).encode()


def _cdata(text: str) -> str:
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"
