"""Whatever a script sends to `/sandbox/…`, it is told what is wrong with it, and no page breaks afterwards."""

import logging

import pytest

from tests.sandbox.test_hostile_bodies import NOW, junked
from tests.sandbox.world import Json, World

TITLE = [{"text": "题", "lang": "zh_CN"}]


def bodies(userid: str, sp_no: str) -> dict[str, Json]:
    option = {"key": "a", "value": [{"text": "甲", "lang": "zh_CN"}]}
    selector = {"type": "single", "options": [option]}
    controls = [
        {"property": {"control": "Text", "id": "Text-1", "title": TITLE}, "config": {}},
        {"property": {"control": "Selector", "id": "Selector-2", "title": TITLE}, "config": {"selector": selector}},
        {"property": {"control": "Date", "id": "Date-3", "title": TITLE}, "config": {"date": {"type": "day"}}},
    ]
    node = {"type": 1, "apv_rel": 1, "userid": [userid]}
    filled = {"template_id": "own", "values": {"Text-1": "x", "Selector-2": "a", "Date-3": "2026-03-02"}}
    extattr = {"attrs": [{"name": "x", "type": 0, "text": {"value": "y"}}]}
    return {
        f"PATCH /people/{userid}": {
            "name": "新名",
            "department": [1],
            "order": [1],
            "is_leader_in_dept": [0],
            "direct_leader": [],
            "main_department": 1,
            "extattr": extattr,
            "external_position": "职",
            "gender": 1,
            "enable": 1,
        },
        "POST /people": {"userid": "fresh", "name": "新人", "fields": {"email": "a@b.test", "main_department": 1}},
        "PATCH /departments/2": {"name": "新部", "parentid": 1, "order": 1},
        "POST /approvals/templates": {"template_id": "own", "name": "自建", "controls": controls},
        "PATCH /approvals/templates/own": {"node_list": [node], "self_select": False},
        f"POST /people/{userid}/approvals": filled | {"node_list": [node], "summary": ["x"]},
        f"POST /approvals/{sp_no}/act": {"userid": userid, "act": "comment", "text": "x", "to": [userid]},
        "PUT /open-approvals/templates": {
            "template_id": "open",
            "name": "自建",
            "nodes": [{"attr": 1, "type": 1, "userids": [userid]}, {"type": 2, "tag": 1}],
        },
        "POST /open-approvals": {
            "userid": userid,
            "template_id": "open",
            "third_no": "n",
            "fields": [{"Title": "a", "Type": "text", "Value": "b"}],
        },
        f"POST /people/{userid}/schedules": {"start": NOW, "end": NOW + 60, "attendees": [userid]},
        f"POST /people/{userid}/click": {"task_id": "t", "key": "k", "selections": {"q": ["a"]}},
        "POST /faults": {"endpoint": "user/get", "match": {"userid": "x"}, "answer": {"a": 1}},
        "PATCH /config": {"callback_network": {"delay_seconds": 0.1}, "trusted_ips": ["1.2.3.4"], "people": 30},
        "PATCH /limits": {"member_per_minute": 30},
        "POST /clock": {"advance": 1},
    }


class TestHostileScripts:
    async def test_every_part_replaced_by_junk(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.CRITICAL, "sandbox.control.wiring")
        world = await World(limits=False).start(listening=False)
        userid = (await world.userids(1))[0]
        applied = await world.client.hand_in(userid, "3TmplSandboxGeneral000000000000000001", {"Text-1": "事"})
        for address, body in bodies(userid, applied["sp_no"]).items():
            method, path = address.split(" ")
            for junk in (*junked(body), body):
                answer = await world.http.request(method, f"/sandbox{path}", json=junk)
                assert answer.status_code < 500, (address, junk)
            assert body is not junk or answer.is_success or answer.status_code == 409, (address, answer.text)
        await world.client.clear_faults()
        await world.client.configure(trusted_ips=None)
        for page in (
            f"/phones/{userid}?v=approvals&u=submitted",
            f"/phones/{userid}?v=form&u=own",
            f"/phones/{userid}?v=schedule",
            f"/phones/{userid}?v=me",
            "/admin",
            "/admin/people",
            f"/admin/people/{userid}",
            "/admin/faults",
            "/admin/limits",
            "/sandbox/approvals",
            "/sandbox/open-approvals",
            "/sandbox/people",
        ):
            assert (await world.http.get(page)).status_code == 200, page
        await world.stop()
