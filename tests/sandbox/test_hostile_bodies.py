"""Whatever stands in a body, the platform answers HTTP 200 with an errcode (doc path/90313)."""

import copy
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.world import Json, World

JUNK: tuple[Any, ...] = (None, "", "x", -1, 10**12, 1.5, True, [], ["x"], [None], [[]], {}, {"x": 1})
NOW = 1_772_413_200


def junked(body: Any) -> Iterator[Any]:
    """The body with each of its parts replaced by each kind of junk, and with each part missing."""
    yield from JUNK
    parts = list(body.items()) if isinstance(body, dict) else list(enumerate(body)) if isinstance(body, list) else []
    for name, inner in parts:
        for junk in junked(inner):
            changed = copy.copy(body)
            changed[name] = junk
            yield changed
        if isinstance(body, dict):
            yield {other: value for other, value in body.items() if other != name}


def template_body() -> Json:
    title = [{"text": "题", "lang": "zh_CN"}]
    kinds: dict[str, Json] = {
        "Text": {},
        "Selector": {"selector": {"type": "single", "options": [{"key": "a", "value": {"text": "甲"}}]}},
        "Contact": {"contact": {"type": "single", "mode": "user"}},
        "Tips": {"tips": {"tips_content": [{"text": {"sub_text": [{"type": 2, "content": {"link": {"url": "u"}}}]}}]}},
        "Table": {"table": {"children": [{"property": {"control": "Money", "id": "Money-9", "title": title}}]}},
        "DateRange": {"date_range": {"type": "hour"}},
        "RelatedApproval": {"related_approval": {"template_id": ["x"]}},
    }
    controls = [{"property": {"control": k, "id": f"{k}-1", "title": title}, "config": c} for k, c in kinds.items()]
    return {"template_name": [{"text": "模板", "lang": "zh_CN"}], "template_content": {"controls": controls}}


def leave_body(creator: str) -> Json:
    span = {"type": "halfday", "new_begin": NOW, "new_end": NOW, "new_duration": 43200}
    vacation = {"selector": {"options": [{"key": "1"}]}, "attendance": {"date_range": span, "type": 1}}
    contents = [
        {"control": "Vacation", "id": "Vacation-1", "value": {"vacation": vacation}},
        {"control": "Textarea", "id": "Textarea-2", "value": {"text": "探亲"}},
        {"control": "File", "id": "File-3", "value": {"files": [{"file_id": "x"}]}},
    ]
    return {
        "creator_userid": creator,
        "template_id": "3TmplSandboxLeave00000000000000000002",
        "process": {"node_list": [{"type": 1, "apv_rel": 2, "userid": [creator]}]},
        "approver": [{"attr": 1, "userid": [creator]}],
        "apply_data": {"contents": contents},
        "summary_list": [{"summary_info": [{"text": "请假", "lang": "zh_CN"}]}],
    }


def bodies(creator: str, chat_id: str, schedule_id: str) -> dict[str, Json]:
    reminders = {"is_repeat": 1, "repeat_type": 1, "is_custom_repeat": 1, "repeat_interval": 1}
    schedule = {
        "start_time": NOW,
        "end_time": NOW,
        "attendees": [{"userid": creator}],
        "admins": [creator],
        "reminders": reminders | {"repeat_day_of_week": [1], "remind_time_diffs": [0]},
    }
    rule = {
        "rule_name": "规则",
        "word_list": ["词"],
        "semantics_list": [1],
        "intercept_type": 1,
        "applicable_range": {"user_list": [creator], "department_list": [1]},
    }
    return {
        "oa/applyevent": leave_body(creator),
        "oa/approval/create_template": template_body(),
        "oa/getapprovalinfo": {
            "starttime": str(NOW),
            "endtime": str(NOW + 1),
            "new_cursor": "",
            "size": 1,
            "filters": [{"key": "creator", "value": creator}],
        },
        "oa/getapprovaldetail": {"sp_no": "1"},
        "oa/gettemplatedetail": {"template_id": "1"},
        "corp/getopenapprovaldata": {"thirdNo": "1"},
        "oa/schedule/add": {"schedule": schedule},
        "oa/schedule/update": {"schedule": schedule | {"schedule_id": schedule_id}, "op_mode": 1, "op_start_time": 1},
        "oa/schedule/get": {"schedule_id_list": [schedule_id]},
        "oa/schedule/add_attendees": {"schedule_id": schedule_id, "attendees": [{"userid": creator}]},
        "oa/calendar/add": {"calendar": {"summary": "历", "color": "#000000", "shares": [{"userid": creator}]}},
        "todo/update": {"todo_id": "x", "attendees": [{"userid": creator, "status": 0}]},
        "externalcontact/groupchat/list": {"limit": 1, "owner_filter": {"userid_list": [creator]}, "cursor": "0"},
        "externalcontact/groupchat/get": {"chat_id": chat_id, "need_name": 1},
        "externalcontact/groupchat/statistic": {"day_begin_time": NOW, "order_by": 1, "offset": 0, "limit": 1},
        "externalcontact/groupchat/transfer": {"chat_id_list": [chat_id], "new_owner": creator},
        "externalcontact/groupchat/add_join_way": {"scene": 2, "chat_id_list": [chat_id], "room_base_id": 1},
        "externalcontact/add_intercept_rule": rule,
        "externalcontact/add_msg_template": {
            "chat_type": "group",
            "sender": creator,
            "chat_id_list": [chat_id],
            "text": {"content": "x"},
            "attachments": [{"msgtype": "link", "link": {"url": "u"}}],
        },
    }


class TestHostileBodies:
    async def test_every_part_replaced_by_junk(self, caplog: pytest.LogCaptureFixture) -> None:
        """A refusal leaves nothing behind that a later call stumbles over: all bodies meet in one sandbox."""
        caplog.set_level(logging.CRITICAL, "sandbox.api.gateway")
        world = await World(limits=False).start(listening=False)
        creator = (await world.userids(1))[0]
        chat_id = (await world.client.create_customer_group(creator))["chat_id"]
        whole = {"start_time": NOW, "end_time": NOW, "reminders": {"is_repeat": 1}}
        schedule_id = (await world.app("oa/schedule/add", {"schedule": whole}))["schedule_id"]
        count = 0
        for endpoint, body in bodies(creator, chat_id, schedule_id).items():
            for junk in junked(body):
                answer = await world.app(endpoint, junk if junk is not None else {})
                assert isinstance(answer["errcode"], int), (endpoint, junk)
                count += 1
        assert count > 2_000
        for row in await world.client.approvals():
            assert (await world.app("oa/getapprovaldetail", {"sp_no": row["sp_no"]}))["errcode"] == 0
        assert len(await world.client.schedules_of(creator)) > 0
        await world.stop()
