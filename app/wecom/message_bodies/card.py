"""A card as a value. Pure.

The platform cuts over-long fields silently (messaging §1.4), so they are cut here, with a visible ….
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.wecom.message_bodies.markup import with_link

CARD_TITLE = 36
CARD_DESC = 44
CARD_SUB_TITLE = 160
_SOURCE = 20
_KEYNAME = 5
_VALUE = 30
_BUTTON = 10
_FIELDS = 6
_BUTTONS = 6
_KEY_BYTES = 1024


@dataclass(frozen=True)
class CardButton:
    """A button. `key` comes back in the click; with a `url` it opens a page and no click is heard."""

    text: str
    key: str = ""
    style: int = 1
    url: str | None = None

    def to_dict(self) -> dict[str, Any]:
        face = {"text": cut(self.text, _BUTTON), "style": self.style}
        if self.url is not None:
            return face | {"type": 1, "url": self.url}
        if not 0 < len(self.key.encode()) <= _KEY_BYTES:
            raise ValueError(f"A button needs a key of 1 to {_KEY_BYTES} bytes: {self.text!r}")
        return face | {"key": self.key}


@dataclass(frozen=True)
class Card:
    """A card as we mean it; `to_template_card` gives the platform's form, within its limits.

    With buttons it is a `button_interaction`, which can be clicked and updated. Without buttons it is a
    `text_notice`, which needs a `url`. `outcome` is the grey text that takes the place of the buttons when a card
    is updated (`update_cards`); it has no meaning in a fresh card.
    """

    title: str
    desc: str = ""
    source: str = ""
    """The app's own name, above the title; see `said_by`."""
    fields: Sequence[tuple[str, str]] = ()
    buttons: Sequence[CardButton] = ()
    url: str | None = None
    sub_title: str = ""
    quote: str = ""
    outcome: str = ""

    def said_by(self, app_name: str) -> Card:
        """The same card with the name of the app that sends it."""
        return replace(self, source=app_name)

    def leading_to(self, url: str | None) -> Card:
        """The same card, which opens this page when it is tapped."""
        return replace(self, url=url)

    @property
    def is_lawful(self) -> bool:
        """False when no card type allows it: neither a button nor a page to open."""
        return bool(self.buttons or self.url)

    @property
    def is_cut(self) -> bool:
        """True when a reader sees … in place of something it says."""
        limits = [(self.title, CARD_TITLE), (self.desc, CARD_DESC), (self.sub_title, CARD_SUB_TITLE)]
        values = [(value, _VALUE) for _, value in self.fields]
        return len(self.fields) > _FIELDS or any(len(text) > limit for text, limit in limits + values)

    def to_template_card(self, task_id: str) -> dict[str, Any]:
        if not self.is_lawful:
            raise ValueError("A card needs a button or a url; send it as text instead")
        card_type = "button_interaction" if self.buttons else "text_notice"
        return {"card_type": card_type, "task_id": task_id, **self.to_face(), **self._buttons()}

    def to_update(self) -> dict[str, Any]:
        """The replacing face: no task_id; grey when it says an outcome or has no buttons left."""
        if self.outcome or not self.buttons:
            return greyed(self, self.outcome or "已处理")
        return {"card_type": "button_interaction", **self.to_face(), **self._buttons()}

    def to_face(self) -> dict[str, Any]:
        """What it says, without its buttons."""
        blocks = {
            "source": {"desc": cut(self.source, _SOURCE)} if self.source else None,
            "main_title": _without_empty({"title": cut(self.title, CARD_TITLE), "desc": cut(self.desc, CARD_DESC)}),
            "quote_area": {"quote_text": self.quote} if self.quote else None,
            "sub_title_text": cut(self.sub_title, CARD_SUB_TITLE),
            "horizontal_content_list": _field_rows(self.fields),
            "card_action": {"type": 1, "url": self.url} if self.url else None,
        }
        return _without_empty(blocks)

    def _buttons(self) -> dict[str, Any]:
        if len(self.buttons) > _BUTTONS:
            raise ValueError(f"A card has at most {_BUTTONS} buttons")
        return {"button_list": [button.to_dict() for button in self.buttons]} if self.buttons else {}


def greyed(card: Card, text: str) -> dict[str, Any]:
    """The card with one grey, dead button that says `text`: the face after the outcome."""
    said = cut(text, _BUTTON)
    return {
        "card_type": "button_interaction",
        **card.to_face(),
        "button_list": [{"text": said, "style": 1, "key": "card.closed"}],
        "replace_text": said,
    }


def card_as_text(template_card: dict[str, Any]) -> str:
    """What a card says, for the people whose card can no longer be updated."""
    title = template_card.get("main_title", {})
    rows = [f"{row['keyname']}：{row.get('value', '')}" for row in template_card.get("horizontal_content_list", [])]
    lines = [
        f"【{template_card['replace_text']}】{title.get('title', '')}"
        if template_card.get("replace_text")
        else title.get("title", ""),
        title.get("desc", ""),
        template_card.get("quote_area", {}).get("quote_text", ""),
        template_card.get("sub_title_text", ""),
        *rows,
    ]
    return with_link("\n".join(line for line in lines if line), template_card.get("card_action", {}).get("url"))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last of them … when something was left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _field_rows(fields: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    shown = list(fields)
    if len(shown) > _FIELDS:
        left_out = len(shown) - _FIELDS + 1
        shown = [*shown[: _FIELDS - 1], ("更多", f"另有 {left_out} 项")]
    return [{"keyname": cut(name, _KEYNAME), "value": cut(value, _VALUE)} for name, value in shown]


def _without_empty(blocks: dict[str, Any]) -> dict[str, Any]:
    return {name: block for name, block in blocks.items() if block}
