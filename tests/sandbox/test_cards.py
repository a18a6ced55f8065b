from copy import deepcopy
from typing import Any

import pytest

from sandbox.api.cards import check_card
from sandbox.errors import PlatformError
from tests.sandbox.world import Json, World, button_card, vote_card

Path = tuple[str | int, ...]


def text_notice() -> Json:
    return {
        "card_type": "text_notice",
        "main_title": {"title": "通知"},
        "quote_area": {"type": 1, "url": "https://x.test", "title": "引用"},
        "horizontal_content_list": [{"keyname": "负责人", "value": "李军", "type": 3, "userid": "lijun"}],
        "jump_list": [{"type": 1, "title": "打开", "url": "https://x.test"}],
        "card_action": {"type": 1, "url": "https://x.test"},
    }


def news_notice() -> Json:
    vertical = {"vertical_content_list": [{"title": "一", "desc": "二"}]}
    image = {"card_image": {"url": "https://x.test/a.png", "aspect_ratio": 1.3}}
    return text_notice() | {"card_type": "news_notice"} | vertical | image


def multiple_card() -> Json:
    options = [{"id": "p1", "text": "高"}, {"id": "p2", "text": "中"}]
    return {
        "card_type": "multiple_interaction",
        "task_id": "m1",
        "main_title": {"title": "分派"},
        "select_list": [{"question_key": "prio", "title": "优先级", "selected_id": "p2", "option_list": options}],
        "submit_button": {"text": "保存", "key": "save"},
    }


def selection_card() -> Json:
    selection = {"question_key": "q", "title": "选择", "option_list": [{"id": "1", "text": "甲"}]}
    return button_card() | {"button_selection": selection}


def with_menu() -> Json:
    entries = [{"text": "收下", "key": "k1"}, {"text": "拒绝", "key": "k2"}]
    return text_notice() | {"task_id": "n1", "action_menu": {"desc": "更多", "action_list": entries}}


def changed(card: Json, path: Path, value: Any) -> Json:
    """A copy with one place changed; None takes it away."""
    copy = deepcopy(card)
    place: Any = copy
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


class TestAccepted:
    @pytest.mark.parametrize(
        "card",
        [text_notice(), news_notice(), button_card(), vote_card(), multiple_card(), selection_card(), with_menu()],
    )
    def test_every_type(self, card: Json) -> None:
        assert check_card(card) is card

    def test_task_id_alphabet(self) -> None:
        assert check_card(button_card("aZ0_-@" + "x" * 122))

    def test_an_update_needs_neither_task_id_nor_submit_button(self) -> None:
        card = changed(changed(vote_card(), ("task_id",), None), ("submit_button",), None)
        assert check_card(card, for_update=True)


class TestRefused:
    """One code per field (doc path/90313)."""

    @pytest.mark.parametrize(
        ("card", "path", "value", "errcode"),
        [
            (button_card(), ("card_type",), "unknown", 42031),
            (button_card(), ("card_type",), None, 42031),
            (button_card(), ("task_id",), None, 42014),
            (button_card(), ("task_id",), "有中文", 42014),
            (button_card(), ("task_id",), "x" * 129, 42014),
            (with_menu(), ("task_id",), None, 42014),
            (with_menu(), ("action_menu", "action_list", 1, "key"), "k1", 42051),
            (button_card(), ("main_title",), None, 40058),
            (text_notice(), ("main_title",), None, 40058),
            (text_notice(), ("card_action",), None, 42045),
            (text_notice(), ("card_action", "url"), None, 42045),
            (text_notice(), ("quote_area", "url"), None, 42028),
            (text_notice(), ("horizontal_content_list", 0, "keyname"), None, 42027),
            (text_notice(), ("horizontal_content_list", 0, "userid"), None, 42050),
            (text_notice(), ("horizontal_content_list", 0, "type"), 1, 42028),
            (text_notice(), ("horizontal_content_list", 0, "type"), 2, 42029),
            (text_notice(), ("horizontal_content_list",), [{"keyname": "k"}] * 7, 42035),
            (text_notice(), ("jump_list", 0, "title"), None, 42033),
            (text_notice(), ("jump_list", 0, "url"), None, 42028),
            (text_notice(), ("jump_list", 0, "type"), 2, 42030),
            (text_notice(), ("jump_list",), [{"title": "t"}] * 4, 42042),
            (news_notice(), ("card_image", "url"), None, 42044),
            (news_notice(), ("card_image",), None, 42044),
            (news_notice(), ("vertical_content_list",), [{"title": "t"}] * 5, 42036),
            (news_notice(), ("vertical_content_list", 0, "title"), None, 42033),
            (button_card(), ("button_list", 0, "text"), None, 42038),
            (button_card(), ("button_list", 0, "key"), None, 42039),
            (button_card(), ("button_list", 0, "key"), "k" * 1_025, 42039),
            (button_card(), ("button_list", 0, "key"), "later", 42039),
            (button_card(), ("button_list", 0, "type"), 1, 42028),
            (button_card(), ("button_list",), [], 40058),
            (selection_card(), ("button_selection", "question_key"), None, 42043),
            (selection_card(), ("button_selection", "option_list"), [], 42037),
            (vote_card(), ("checkbox",), None, 42043),
            (vote_card(), ("checkbox", "option_list"), [{"id": str(i), "text": "t"} for i in range(21)], 42037),
            (vote_card(), ("checkbox", "option_list", 0, "id"), "thu", 42040),
            (vote_card(), ("checkbox", "option_list", 0, "id"), "i" * 129, 42040),
            (vote_card(), ("checkbox", "option_list", 0, "text"), None, 42041),
            (vote_card(), ("submit_button",), None, 42046),
            (vote_card(), ("submit_button", "key"), None, 42046),
            (vote_card(), ("submit_button", "text"), None, 42049),
            (multiple_card(), ("select_list",), [], 42047),
            (multiple_card(), ("select_list", 0, "question_key"), None, 42043),
            (multiple_card(), ("select_list", 0, "option_list"), [{"id": str(i)} for i in range(11)], 42037),
        ],
    )
    def test_field(self, card: Json, path: Path, value: Any, errcode: int) -> None:
        with pytest.raises(PlatformError) as refused:
            check_card(changed(card, path, value))
        assert refused.value.errcode == errcode


class TestSending:
    async def test_interactive_card_needs_a_callback_address(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        await world.client.forget_callback_urls()
        assert (await world.send_card(userid))["errcode"] == 43012
        assert (await world.send(userid, "template_card", template_card=text_notice()))["errcode"] == 0

    async def test_an_app_without_callbacks_may_not_either(self) -> None:
        world = await World(extra_apps=[{"agent_id": 1_000_003, "secret": "other"}]).start()
        userid = (await world.userids(1))[0]
        body = {"touser": userid, "msgtype": "template_card", "agentid": 1_000_003, "template_card": button_card()}
        assert (await world.call("other", "message/send", body))["errcode"] == 43012
        await world.stop()

    async def test_response_code_only_for_cards_that_can_change(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        assert (await world.send_card(userid))["response_code"]
        assert (await world.send(userid, "template_card", template_card=with_menu()))["response_code"]
        assert "response_code" not in await world.send(userid, "template_card", template_card=text_notice())

    async def test_task_id_is_used_once(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        assert (await world.send_card("ghost", "once"))["errcode"] == 81013
        assert (await world.send_card(userid, "once"))["errcode"] == 0
        assert (await world.send_card(userid, "once"))["errcode"] == 42014
