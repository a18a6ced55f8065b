"""The platform's shapes stop at the client."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from app.wecom.client import WecomClient
from app.wecom.errors import HttpFailure
from app.wecom.message_bodies.menu import Menu
from app.wecom.payloads import CallAnswer, UserDetail
from models.delivery import CallKind
from tests.wecom.scripted import ScriptedPlatform

LI = {
    "errcode": 0,
    "errmsg": "ok",
    "userid": "LiJun",
    "name": "李军",
    "alias": "Jun",
    "position": "经理",
    "status": 1,
    "department": [3, 9],
    "order": [10, 0],
    "is_leader_in_dept": [1, 0],
    "main_department": 3,
    "direct_leader": ["WangFang"],
    "extattr": {
        "attrs": [
            {"type": 0, "name": "工号", "text": {"value": "B-17"}},
            {"type": 1, "name": "主页", "web": {"url": "https://li.example", "title": "li"}},
        ]
    },
}


class TestMembers:
    async def test_a_member_in_full(self, client: WecomClient, scripted: ScriptedPlatform) -> None:
        scripted.answers("user/get", LI)
        li = await client.get_user("lijun")
        assert li.userid == "LiJun"
        assert (li.name, li.alias, li.position, li.status) == ("李军", "Jun", "经理", 1)
        assert (li.department_ids, li.orders, li.leader_flags) == ([3, 9], [10, 0], [True, False])
        assert (li.main_department_id, li.direct_leader_userids) == (3, ["WangFang"])
        assert li.extra == {"工号": "B-17", "主页": "https://li.example"}

    async def test_only_the_userid_is_needed(self, client: WecomClient, scripted: ScriptedPlatform) -> None:
        scripted.answers("user/get", {"userid": "li"})
        li = await client.get_user("li")
        assert (li.name, li.status, li.department_ids, li.extra, li.main_department_id) == ("", None, [], {}, None)

    @pytest.mark.parametrize(
        ("given", "departments", "orders", "flags"),
        [
            (
                {"department": ["3", "9"], "order": ["7"], "is_leader_in_dept": ["1", "0"]},
                [3, 9],
                [7, 0],
                [True, False],
            ),
            ({"department": [3]}, [3], [0], [False]),
            ({"department": [None, 9], "order": [1, 2], "is_leader_in_dept": [0, 1]}, [9], [2], [True]),
            ({"department": "3", "order": None}, [3], [0], [False]),
            ({"department": 2315041299, "order": 5, "is_leader_in_dept": 1}, [2315041299], [5], [True]),
            ({"department": True}, [], [], []),
            ({"department": {"id": 3}}, [], [], []),
        ],
    )
    def test_lists_that_belong_together_stay_together(
        self, given: dict[str, Any], departments: list[int], orders: list[int], flags: list[bool]
    ) -> None:
        user = UserDetail.model_validate({"userid": "li"} | given)
        assert (user.department_ids, user.orders, user.leader_flags) == (departments, orders, flags)

    def test_strange_fields_never_cost_the_person(self) -> None:
        strange: dict[str, Any] = {
            "userid": 10_086,
            "name": None,
            "status": "?",
            "direct_leader": "wang",
            "extattr": [],
            "alias": {},
        }
        user = UserDetail.model_validate(strange)
        assert (user.userid, user.name, user.status, user.direct_leader_userids) == ("10086", "", None, ["wang"])

    async def test_a_row_without_an_id_does_not_stop_the_others(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        scripted.answers("user/list", {"userlist": [{"name": "nobody"}, LI]})
        with capture_logs() as logs:
            assert [user.userid for user in await client.list_users(3)] == ["LiJun"]
        assert [line["faults"] for line in logs if line["event"] == "platform.row_unreadable"] == ["userid"]

    async def test_a_page_of_ids_ends_with_an_empty_cursor(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        rows = [{"userid": "li", "department": 3}, {"userid": "li", "department": 9}]
        scripted.answers("user/list_id", {"next_cursor": "c2", "dept_user": rows}, {"dept_user": []})
        page = await client.list_user_ids(limit=2)
        assert (page.rows, page.next_cursor) == ([("li", 3), ("li", 9)], "c2")
        assert scripted.requests[0].content == b'{"cursor": "", "limit": 2}'
        assert (await client.list_user_ids("c2")).next_cursor == ""

    async def test_a_strange_row_of_ids_is_read_or_left_out_alone(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        rows = [{"userid": 10_086, "department": "3"}, {"userid": ""}, None, {"userid": "li", "department": 9}]
        scripted.answers("user/list_id", {"dept_user": rows})
        assert (await client.list_user_ids()).rows == [("10086", 3), ("li", 9)]


class TestDepartments:
    async def test_simplelist_wraps_its_rows_and_get_its_object(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        scripted.answers("department/simplelist", {"department_id": [{"id": 9, "parentid": 3, "order": 5}]})
        scripted.answers("department/get", {"department": {"id": 9, "name": "研发", "department_leader": ["li"]}})
        (ref,) = await client.get_department_ids()
        assert (ref.id, ref.parent_id, ref.order) == (9, 3, 5)
        detail = await client.get_department(9)
        assert (detail.name, detail.parent_id, detail.leader_userids) == ("研发", None, ["li"])


class TestWrongAnswers:
    """A wrong answer from upstream never empties the organisation (P6): a missing list is no empty list."""

    @pytest.mark.parametrize("answer", [{"errcode": 0}, {"errcode": 0, "department_id": None}, {}])
    async def test_a_missing_list_is_an_error(
        self, client: WecomClient, scripted: ScriptedPlatform, answer: dict[str, Any]
    ) -> None:
        scripted.answers("department/simplelist", answer)
        with pytest.raises(HttpFailure, match="no list department_id"):
            await client.get_department_ids()

    @pytest.mark.parametrize("chat", [None, {"chatid": "g1"}, {"chatid": "g1", "userlist": []}])
    async def test_a_group_without_anybody_is_not_believed(
        self, client: WecomClient, scripted: ScriptedPlatform, chat: dict[str, Any] | None
    ) -> None:
        scripted.answers("appchat/get", {"errcode": 0, "chat_info": chat})
        with pytest.raises(HttpFailure):
            await client.get_chat("g1")

    async def test_an_app_without_a_menu_has_an_empty_one(
        self, client: WecomClient, scripted: ScriptedPlatform
    ) -> None:
        scripted.answers("menu/get", {"errcode": 46003, "errmsg": "menu not exist"})
        assert await client.get_menu() == Menu()


class TestPartialSuccess:
    """errcode 0 does not mean delivered: the lists say who was not reached (messaging §1.2, §1.5)."""

    @pytest.mark.parametrize(
        ("given", "expected"),
        [("Ghost01|left02", ["ghost01", "left02"]), (["Left02"], ["left02"]), ("", []), (None, [])],
    )
    def test_invalid_users_come_as_text_or_as_a_list(self, given: Any, expected: list[str]) -> None:
        assert CallAnswer.model_validate({"invaliduser": given}).invalid_userids == expected

    async def test_a_send_with_everything(self, client: WecomClient, scripted: ScriptedPlatform) -> None:
        answer = {
            "errcode": 0,
            "errmsg": "ok",
            "invaliduser": "Ghost01|left02",
            "invalidparty": "7|8",
            "invalidtag": [9],
            "unlicenseduser": "Temp07",
            "msgid": "Lq8",
            "response_code": "rc_9f3",
        }
        scripted.answers("message/send", answer)
        got = await client.call(CallKind.MESSAGE_SEND, b"{}")
        assert (got.msgid, got.response_code) == ("Lq8", "rc_9f3")
        assert (got.invalid_parties, got.invalid_tags, got.unlicensed_userids) == ([7, 8], [9], ["temp07"])
        assert got.raw == answer
        assert "rc_9f3" not in repr(got)
