"""审批, 日程 and 客户联系 by the published library, unchanged but for its token address."""

from collections.abc import Iterator
from typing import Any

import pytest
from wechatpy.exceptions import WeChatClientException

from sandbox import customer_acts
from sandbox.customers import Follow
from tests.sandbox.test_wechatpy import Running

GENERAL = "3TmplSandboxGeneral000000000000000001"
MONDAY = 1_772_413_200


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.stop()


@pytest.fixture
def app(running: Running) -> Iterator[Any]:
    client = running.client(running.config.app_secret)
    yield client
    client._http.close()


def people(running: Running, count: int) -> list[str]:
    return [person.userid for person in list(running.state.company.people.values())[:count]]


class TestApproval:
    def test_submitted_listed_and_read(self, running: Running, app: Any) -> None:
        one, two, three = people(running, 3)
        names = app.OA.get_template_detail(GENERAL)["template_names"]
        contents = [{"control": "Text", "id": "Text-1", "value": {"text": "库里来的"}}]
        summary = [{"summary_info": [{"text": names[0]["text"], "lang": "zh_CN"}]}]
        approver = [{"attr": 2, "userid": [two, three]}]
        sp_no = app.OA.apply_event(one, GENERAL, 0, approver, {"contents": contents}, summary, [three], 1)["sp_no"]
        now = int(running.state.now())
        listed = app.OA.get_approval_info(now - 60, now + 60, 0)
        assert sp_no in listed["sp_no_list"]
        info = app.OA.get_approval_detail(sp_no)["info"]
        assert info["sp_record"][0]["approverattr"] == 2
        assert info["process_list"]["node_list"][0]["apv_rel"] == 1
        with pytest.raises(WeChatClientException) as refused:
            app.OA.apply_event("", GENERAL, 0, approver, {"contents": contents}, summary)
        assert refused.value.errcode == 40058


class TestSchedule:
    def test_calendar_and_schedule(self, running: Running, app: Any) -> None:
        one, two = people(running, 2)
        cal_id = app.calendar.add(one, "项目日历", "#0000FF", shares=[two])
        app.calendar.update(cal_id, "改名", "#00FF00")
        assert app.calendar.get([cal_id])[0]["summary"] == "改名"
        schedule_id = app.schedule.add(one, MONDAY, MONDAY + 3600, [two], "周会", calendar_id=cal_id)
        app.schedule.update(one, schedule_id, MONDAY, MONDAY + 7200, [two], "周会改", calendar_id=cal_id)
        (found,) = app.schedule.get([schedule_id])
        assert (found["summary"], found["end_time"], found["organizer"]) == ("周会改", MONDAY + 7200, one)
        assert [s["schedule_id"] for s in app.schedule.get_by_calendar(cal_id)] == [schedule_id]
        app.schedule.delete(schedule_id)
        assert app.schedule.get([schedule_id])[0]["status"] == 1
        app.calendar.delete(cal_id)


class TestCustomerGroups:
    def test_listed_to_the_end_read_and_counted(self, running: Running, app: Any) -> None:
        state = running.state
        owner = next(iter(state.company.people.values()))
        external = customer_acts.add_external(state, "周总")
        external.follows[owner.serial] = Follow(0)
        for number in range(3):
            body = {"owner": owner.userid, "name": f"群{number}"}
            running.http.post("/sandbox/customer-groups", json=body).raise_for_status()
        groups = app.external_contact_group_chat.list_all(limit=2)
        assert len(groups) == 3
        found = app.external_contact_group_chat.get(groups[0]["chat_id"])["group_chat"]
        assert (found["name"], found["owner"]) == ("群0", owner.userid)
        yesterday = int(state.now()) - 86_400
        assert app.external_contact_group_chat.statistic(yesterday)["items"] == []
        assert app.external_contact.list(owner.userid)["external_userid"] == [external.id]
        assert app.external_contact.get(external.id)["external_contact"]["name"] == "周总"
        assert owner.userid in app.external_contact.get_follow_user_list()["follow_user"]
