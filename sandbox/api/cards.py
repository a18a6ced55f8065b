"""What a template card must look like, with one error code per field (doc path/90236, path/90313)."""

import re
from collections.abc import Callable
from typing import Any

from sandbox.conversations import INTERACTIVE, is_interactive
from sandbox.errors import PlatformError

CARD_TYPES = ("text_notice", "news_notice", *INTERACTIVE)
TASK_ID = re.compile(r"[0-9A-Za-z_@-]{1,128}")
KEY_BYTES = 1_024
OPTION_ID_BYTES = 128
OPTIONS_IN_LIST = 10
OPTIONS_IN_VOTE = 20

Fields = dict[str, Any]


def check_card(card: Any, *, for_update: bool = False) -> Fields:
    """The card, if it may be sent. An update carries no task_id and needs no submit button."""
    if not isinstance(card, dict) or card.get("card_type") not in CARD_TYPES:
        raise PlatformError(42031)
    _check_action_menu(card)
    if not for_update:
        _check_task_id(card)
    for check in _CHECKS[card["card_type"]]:
        check(card)
    if card["card_type"] in {"vote_interaction", "multiple_interaction"}:
        _check_submit_button(card, is_required=not for_update)
    return card


def _check_task_id(card: Fields) -> None:
    task_id = card.get("task_id")
    if task_id is None and not is_interactive(card):
        return
    if not isinstance(task_id, str) or not TASK_ID.fullmatch(task_id):
        raise PlatformError(42014)


def _check_action_menu(card: Fields) -> None:
    menu = card.get("action_menu")
    if not menu or card["card_type"] not in {"text_notice", "news_notice", "button_interaction"}:
        return
    entries = _objects(menu, "action_list", 1, 3, 40058)
    keys = [entry.get("key") for entry in entries]
    if not all(entry.get("text") and _is_key(entry.get("key")) for entry in entries):
        raise PlatformError(40058, "action_list needs text and key")
    if len(set(keys)) != len(keys):
        raise PlatformError(42051)


def _check_main_title(card: Fields) -> None:
    if not _inside(card, "main_title").get("title"):
        raise PlatformError(40058, "main_title.title")


def _check_some_title(card: Fields) -> None:
    if not (_inside(card, "main_title").get("title") or card.get("sub_title_text")):
        raise PlatformError(40058, "main_title.title or sub_title_text")


def _check_some_picture(card: Fields) -> None:
    image, area = card.get("card_image"), card.get("image_text_area")
    if not image and not area:
        raise PlatformError(42044)
    if image and not _inside(card, "card_image").get("url"):
        raise PlatformError(42044)
    if area and not _inside(card, "image_text_area").get("image_url"):
        raise PlatformError(40058, "image_text_area.image_url")
    _check_target(_inside(card, "image_text_area"))


def _check_quote(card: Fields) -> None:
    _check_target(_inside(card, "quote_area"))


def _check_target(area: Fields) -> None:
    """Type 1 opens an address, type 2 a mini program; each needs its own."""
    kind = int(area.get("type") or 0)
    if kind == 1 and not area.get("url"):
        raise PlatformError(42028)
    if kind == 2 and not area.get("appid"):  # noqa: PLR2004 - 2 is a mini program
        raise PlatformError(42030)


def _check_horizontal(card: Fields) -> None:
    needs = {1: ("url", 42028), 2: ("media_id", 42029), 3: ("userid", 42050)}
    for row in _objects(card, "horizontal_content_list", 0, 6, 42035):
        if not row.get("keyname"):
            raise PlatformError(42027)
        field, errcode = needs.get(int(row.get("type") or 0), ("keyname", 42027))
        if not row.get(field):
            raise PlatformError(errcode)


def _check_vertical(card: Fields) -> None:
    for row in _objects(card, "vertical_content_list", 0, 4, 42036):
        if not row.get("title"):
            raise PlatformError(42033)


def _check_jumps(card: Fields) -> None:
    for row in _objects(card, "jump_list", 0, 3, 42042):
        if not row.get("title"):
            raise PlatformError(42033)
        _check_target(row)


def _check_card_action(card: Fields) -> None:
    action = _inside(card, "card_action")
    if int(action.get("type") or 0) not in {1, 2}:
        raise PlatformError(42045)
    if not action.get("url" if int(action["type"]) == 1 else "appid"):
        raise PlatformError(42045)


def _check_optional_card_action(card: Fields) -> None:
    if int(_inside(card, "card_action").get("type") or 0):
        _check_card_action(card)


def _check_buttons(card: Fields) -> None:
    buttons = _objects(card, "button_list", 1, 6, 40058)
    keys = [button.get("key") for button in buttons if int(button.get("type") or 0) == 0]
    if not all(button.get("text") for button in buttons):
        raise PlatformError(42038)
    if not all(_is_key(key) for key in keys) or len(set(keys)) != len(keys):
        raise PlatformError(42039)
    if any(int(button.get("type") or 0) == 1 and not button.get("url") for button in buttons):
        raise PlatformError(42028)


def _check_button_selection(card: Fields) -> None:
    if card.get("button_selection"):
        _check_question(_inside(card, "button_selection"), OPTIONS_IN_LIST)


def _check_checkbox(card: Fields) -> None:
    _check_question(_inside(card, "checkbox"), OPTIONS_IN_VOTE)


def _check_select_list(card: Fields) -> None:
    questions = _objects(card, "select_list", 1, 3, 42047)
    for question in questions:
        _check_question(question, OPTIONS_IN_LIST)
    keys = [question["question_key"] for question in questions]
    if len(set(keys)) != len(keys):
        raise PlatformError(42043)


def _check_question(question: Fields, most: int) -> None:
    if not _is_key(question.get("question_key")):
        raise PlatformError(42043)
    options = _objects(question, "option_list", 1, most, 42037)
    ids = [option.get("id") for option in options]
    if not all(_is_key(option_id, OPTION_ID_BYTES) for option_id in ids) or len(set(ids)) != len(ids):
        raise PlatformError(42040)
    if not all(option.get("text") for option in options):
        raise PlatformError(42041)


def _check_submit_button(card: Fields, *, is_required: bool) -> None:
    button = _inside(card, "submit_button")
    if not button and not is_required:
        return
    if not _is_key(button.get("key")):
        raise PlatformError(42046)
    if not button.get("text"):
        raise PlatformError(42049)


def _is_key(value: Any, most: int = KEY_BYTES) -> bool:
    return isinstance(value, str) and 1 <= len(value.encode()) <= most


def _inside(card: Fields, name: str) -> Fields:
    value = card.get(name)
    return value if isinstance(value, dict) else {}


def _objects(card: Fields, name: str, least: int, most: int, errcode: int) -> list[Fields]:
    value = card.get(name) or []
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise PlatformError(errcode, name)
    if not all(isinstance(item, dict) for item in value):
        raise PlatformError(40058, name)
    return value


_CHECKS: dict[str, tuple[Callable[[Fields], None], ...]] = {
    "text_notice": (_check_some_title, _check_quote, _check_horizontal, _check_jumps, _check_card_action),
    "news_notice": (
        _check_main_title,
        _check_quote,
        _check_some_picture,
        _check_vertical,
        _check_horizontal,
        _check_jumps,
        _check_card_action,
    ),
    "button_interaction": (
        _check_main_title,
        _check_quote,
        _check_horizontal,
        _check_optional_card_action,
        _check_button_selection,
        _check_buttons,
    ),
    "vote_interaction": (_check_main_title, _check_checkbox),
    "multiple_interaction": (_check_main_title, _check_select_list),
}
