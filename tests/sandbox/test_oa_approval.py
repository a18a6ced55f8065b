from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.client import SandboxRefused
from tests.sandbox.world import Json, World

GENERAL = "3TmplSandboxGeneral000000000000000001"
LEAVE = "3TmplSandboxLeave00000000000000000002"
EXPENSE = "3TmplSandboxExpense000000000000000003"
SEAL = "3TmplSandboxSeal000000000000000000004"
OVERTIME = "3TmplSandboxOvertime00000000000000005"
PUNCH = "3TmplSandboxPunch00000000000000000006"

TEXT = {"control": "Text", "id": "Text-1", "value": {"text": "项目周会群"}}
MORNING = 1_775_059_200
"""2026-04-02 00:00 in UTC+8."""


def application(creator: str, approvers: list[str], **changes: Any) -> Json:
    return {
        "creator_userid": creator,
        "template_id": GENERAL,
        "use_template_approver": 0,
        "process": {"node_list": [{"type": 1, "apv_rel": 2, "userid": approvers}]},
        "apply_data": {"contents": [TEXT]},
        "summary_list": [{"summary_info": [{"text": "新建群", "lang": "zh_CN"}]}],
    } | changes


async def submit(world: World, creator: str, approvers: list[str], **changes: Any) -> str:
    answer = await world.app("oa/applyevent", application(creator, approvers, **changes))
    assert answer["errcode"] == 0, answer
    return str(answer["sp_no"])


async def submit_nodes(world: World, creator: str, *nodes: Json) -> str:
    return await submit(world, creator, [], process={"node_list": list(nodes)})


async def detail(world: World, sp_no: str) -> Json:
    answer = await world.app("oa/getapprovaldetail", {"sp_no": sp_no})
    assert answer["errcode"] == 0, answer
    info: Json = answer["info"]
    return info


async def heard(world: World) -> list[tuple[int, int]]:
    """StatuChangeEvent and SpStatus of every event so far."""
    await world.client.wait_idle()
    infos = [
        found
        for r in world.receiver.events("sys_approval_change")
        if (found := r.event.find("ApprovalInfo")) is not None
    ]
    return [(int(i.findtext("StatuChangeEvent") or 0), int(i.findtext("SpStatus") or 0)) for i in infos]


async def last_event(world: World) -> Any:
    await world.client.wait_idle()
    return world.receiver.events("sys_approval_change")[-1].event


class TestSubmitting:
    async def test_the_number_begins_with_the_day_and_the_applicant_s_department_is_filed(self, world: World) -> None:
        one, two = await world.userids(2)
        sp_no = await submit(world, one, [two])
        info = await detail(world, sp_no)
        person = await world.client.person(one)
        assert (len(sp_no), sp_no[-4:]) == (12, "0001")
        assert info["applyer"] == {"userid": one, "partyid": str(person["main_department"])}
        assert (info["sp_name"], info["sp_status"]) == ("通用审批", 1)
        assert info["apply_data"]["contents"][0]["title"] == [{"text": "申请内容", "lang": "zh_CN"}]

    async def test_creator_empty_unknown_or_out_of_range(self, world: World) -> None:
        one, two = await world.userids(2)
        assert (await world.app("oa/applyevent", application("", [two])))["errcode"] == 40058
        assert (await world.app("oa/applyevent", application("ghost", [two])))["errcode"] == 301055
        await world.client.set_visible_range(users=[two])
        assert (await world.app("oa/applyevent", application(one, [two])))["errcode"] == 301055

    async def test_who_may_call(self) -> None:
        world = await World(extra_apps=[{"agent_id": 1_000_003, "secret": "other"}]).start()
        one, two = await world.userids(2)
        assert (await world.call("other", "oa/applyevent", application(one, [two])))["errcode"] == 301055
        assert (await world.contacts("oa/getapprovaldetail", {"sp_no": "1"}))["errcode"] == 301055
        await world.client.configure(approval_apps=[1_000_003])
        assert (await world.call("other", "oa/applyevent", application(one, [two])))["errcode"] == 0
        assert await heard(world) == []
        await world.client.configure(approval_enabled=False)
        assert (await world.call("other", "oa/applyevent", application(one, [two])))["errcode"] == 301056
        await world.stop()

    async def test_six_hundred_calls_a_minute(self, world: World) -> None:
        await world.client.configure(limit_numbers={"approval_per_minute": 2})
        one, two = await world.userids(2)
        answers = [await world.app("oa/applyevent", application(one, [two])) for _ in range(3)]
        assert [answer["errcode"] for answer in answers] == [0, 0, 45009]
        assert (await world.app("oa/getapprovalinfo", {"starttime": "1", "endtime": "2"}))["errcode"] == 0

    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [
            ({"template_id": ""}, 301025),
            ({"template_id": "unknown"}, 301026),
            ({"template_id": PUNCH}, 301025),
            ({"template_id": SEAL, "use_template_approver": 1}, 301025),
            ({"process": None}, 301025),
            ({"process": {"node_list": [{"type": 2, "userid": ["ghost"]}]}}, 301025),
            ({"process": {"node_list": [{"type": 1, "userid": ["ghost"], "apv_rel": 2}]}}, 301025),
            ({"process": {"node_list": [{"type": 4, "userid": ["ghost"], "apv_rel": 2}]}}, 301025),
            ({"summary_list": []}, 301025),
            ({"summary_list": [{"summary_info": [{"text": "很" * 21, "lang": "zh_CN"}]}]}, 301025),
            ({"summary_list": [{"summary_info": [{"text": "新建群", "lang": "zh-CN"}]}]}, 301025),
            ({"apply_data": {"contents": []}}, 301025),
            ({"apply_data": {"contents": [TEXT | {"id": "Text-9"}]}}, 301025),
            ({"apply_data": {"contents": [TEXT | {"value": {"text": ""}}]}}, 301025),
            ({"apply_data": {"contents": [TEXT | {"value": {"text": "a\nb"}}]}}, 301086),
            ({"choose_department": 99}, 301025),
        ],
    )
    async def test_refused(self, world: World, changes: Json, errcode: int) -> None:
        one, two = await world.userids(2)
        assert (await world.app("oa/applyevent", application(one, [two], **changes)))["errcode"] == errcode
        assert await world.client.approvals() == []

    async def test_the_template_s_flow_asks_the_leader(self, world: World) -> None:
        leader = next(p for p in await world.client.people() if p["is_leader_in_dept"] == [1])
        one = next(p for p in await world.client.people() if p["direct_leader"] == [leader["userid"]])
        sp_no = await submit(world, one["userid"], [], use_template_approver=1)
        assert (await world.client.approval(sp_no))["active"] == [leader["userid"]]


class TestTwoNumberings:
    """Old `attr` 1 is any one and 2 all; new `apv_rel` 1 is all and 2 any one."""

    async def test_old_form_in_new_and_old_view(self, world: World) -> None:
        one, two, three, four = await world.userids(4)
        old = [{"attr": 1, "userid": [two, three]}, {"attr": 2, "userid": [three]}]
        sp_no = await submit(world, one, [], process=None, approver=old, notifyer=[four])
        info = await detail(world, sp_no)
        assert [node["apv_rel"] for node in info["process_list"]["node_list"]] == [2, 1]
        assert [node["approverattr"] for node in info["sp_record"]] == [1, 2]
        assert info["notifyer"] == [{"userid": four}]
        event = (await last_event(world)).find("ApprovalInfo")
        assert [e.text for e in event.iter("ApproverAttr")] == ["1", "2"]
        assert [e.text for e in event.iter("ApvRel")] == ["2", "1"]

    async def test_any_one_decides_and_all_must(self, world: World) -> None:
        one, two, three = await world.userids(3)
        any_one = await submit_nodes(world, one, {"type": 1, "apv_rel": 2, "userid": [two, three]})
        await world.client.agree(three, any_one, "可以")
        assert (await detail(world, any_one))["sp_status"] == 2
        both = await submit_nodes(world, one, {"type": 1, "apv_rel": 1, "userid": [two, three]})
        await world.client.agree(three, both)
        assert (await detail(world, both))["sp_status"] == 1
        await world.client.agree(two, both)
        assert (await detail(world, both))["sp_status"] == 2

    async def test_in_sequence_the_second_waits(self, world: World) -> None:
        one, two, three = await world.userids(3)
        sp_no = await submit_nodes(world, one, {"type": 1, "apv_rel": 3, "userid": [two, three]})
        with pytest.raises(SandboxRefused):
            await world.client.agree(three, sp_no)
        await world.client.agree(two, sp_no)
        assert (await world.client.agree(three, sp_no))["sp_status"] == 2


class TestPeopleDecide:
    async def test_the_lists_of_the_app(self, world: World) -> None:
        one, two, three = await world.userids(3)
        nodes = [{"type": 1, "apv_rel": 2, "userid": [two]}, {"type": 2, "userid": [three]}]
        sp_no = await submit_nodes(world, one, *nodes)

        async def lists(userid: str) -> dict[str, int]:
            return {name: len(found) for name, found in (await world.client.approvals_of(userid)).items()}

        assert await lists(two) == {"waiting": 1, "submitted": 0, "decided": 0, "copied": 0}
        assert await lists(three) == {"waiting": 0, "submitted": 0, "decided": 0, "copied": 0}
        await world.client.agree(two, sp_no)
        assert await lists(one) == {"waiting": 0, "submitted": 1, "decided": 0, "copied": 0}
        assert await lists(two) == {"waiting": 0, "submitted": 0, "decided": 1, "copied": 0}
        assert await lists(three) == {"waiting": 0, "submitted": 0, "decided": 0, "copied": 1}

    async def test_reject_withdraw_urge_and_comment(self, world: World) -> None:
        one, two = await world.userids(2)
        refused, gone = await submit(world, one, [two]), await submit(world, one, [two])
        await world.client.urge(one, refused)
        await world.client.comment(two, refused, "预算不够")
        await world.client.reject(two, refused, "明年再来")
        await world.client.withdraw(one, gone)
        assert await heard(world) == [(1, 1), (1, 1), (5, 1), (10, 1), (3, 3), (6, 4)]
        info = await detail(world, refused)
        assert info["comments"][0]["commentcontent"] == "预算不够"
        assert info["comments"][0]["commentUserInfo"] == {"userid": two}
        assert info["sp_record"][0]["details"][0]["speech"] == "明年再来"
        for act in (world.client.agree(two, gone), world.client.withdraw(one, refused), world.client.urge(one, gone)):
            with pytest.raises(SandboxRefused):
                await act
        with pytest.raises(SandboxRefused):
            await world.client.withdraw(two, gone)

    async def test_withdrawn_after_approval_paid_and_deleted(self, world: World) -> None:
        one, two = await world.userids(2)
        sp_no, paid = await submit(world, one, [two]), await submit(world, one, [two])
        await world.client.agree(two, sp_no)
        assert (await world.client.withdraw(one, sp_no))["sp_status"] == 6
        await world.client.agree(two, paid)
        assert (await world.client.pay_approval(paid))["sp_status"] == 10
        await world.client.delete_approval(paid)
        assert (await detail(world, paid))["sp_status"] == 7
        assert await heard(world) == [(1, 1), (1, 1), (2, 2), (8, 6), (2, 2)]

    async def test_forwarded_to_another(self, world: World) -> None:
        one, two, three = await world.userids(3)
        sp_no = await submit(world, one, [two])
        assert (await world.client.forward_approval(two, sp_no, three, "你来定"))["active"] == [three]
        await world.client.agree(three, sp_no)
        info = await detail(world, sp_no)
        shares = info["process_list"]["node_list"][0]["sub_node_list"]
        assert [(s["userid"], s["sp_yj"], bool(s["sptime"])) for s in shares] == [(two, 4, True), (three, 2, True)]
        assert await heard(world) == [(1, 1), (4, 1), (2, 2)]

    async def test_signers_asked_in_decide_first(self, world: World) -> None:
        one, two, three = await world.userids(3)
        sp_no = await submit_nodes(world, one, {"type": 1, "apv_rel": 1, "userid": [two]})
        assert (await world.client.add_signers(two, sp_no, [three]))["active"] == [three]
        assert (await world.client.agree(three, sp_no))["active"] == [two]
        assert (await world.client.agree(two, sp_no))["sp_status"] == 2
        assert await heard(world) == [(1, 1), (12, 1), (2, 1), (2, 2)]

    async def test_agreeing_and_asking_in_the_next(self, world: World) -> None:
        one, two, three = await world.userids(3)
        sp_no = await submit(world, one, [two])
        assert (await world.client.add_signers(two, sp_no, [three], agreeing=True))["active"] == [three]
        await world.client.agree(three, sp_no)
        info = await detail(world, sp_no)
        assert [n["sub_node_list"][0]["sp_yj"] for n in info["process_list"]["node_list"]] == [13, 2]
        assert await heard(world) == [(1, 1), (13, 1), (2, 2)]
        event = (await last_event(world)).find("ApprovalInfo")
        assert [e.findtext("SpStatus") for e in event.iter("SpRecord")] == ["2", "2"]

    async def test_sent_back_to_an_earlier_approver_all_decide_again(self, world: World) -> None:
        one, two, three = await world.userids(3)
        nodes = [{"type": 1, "apv_rel": 2, "userid": [two]}, {"type": 1, "apv_rel": 2, "userid": [three]}]
        sp_no = await submit_nodes(world, one, *nodes)
        await world.client.agree(two, sp_no)
        assert (await world.client.send_back(three, sp_no, two, "附件不全"))["active"] == [two]
        assert [n["sp_status"] for n in (await detail(world, sp_no))["process_list"]["node_list"]] == [1, 11]
        await world.client.agree(two, sp_no)
        assert (await world.client.agree(three, sp_no))["sp_status"] == 2
        assert await heard(world) == [(1, 1), (2, 1), (11, 1), (2, 1), (2, 2)]

    async def test_handlers_handle_or_hand_over(self, world: World) -> None:
        one, two, three = await world.userids(3)
        nodes = [{"type": 1, "apv_rel": 2, "userid": [two]}, {"type": 3, "apv_rel": 2, "userid": [two]}]
        sp_no = await submit_nodes(world, one, *nodes)
        await world.client.agree(two, sp_no)
        with pytest.raises(SandboxRefused):
            await world.client.reject(two, sp_no)
        await world.client.forward_approval(two, sp_no, three)
        await world.client.agree(three, sp_no)
        info = await detail(world, sp_no)
        assert [s["sp_yj"] for s in info["process_list"]["node_list"][1]["sub_node_list"]] == [15, 14]
        assert len(info["sp_record"]) == 1
        assert await heard(world) == [(1, 1), (2, 1), (15, 1), (14, 2)]


class TestFromThePhone:
    async def test_templates_closed_to_the_api_are_open_to_people(self, world: World) -> None:
        one, two = await world.userids(2)
        values = {"Text-1": "合同", "Selector-2": ["公章", "合同章"], "Number-3": 2, "Date-4": "2026-03-02T09:00"}
        node = {"type": 1, "apv_rel": 2, "userid": [two]}
        handed = await world.client.hand_in(one, SEAL, values, node_list=[node])
        assert handed["active"] == [two]
        assert [field["text"] for field in handed["fields"]] == ["合同", "公章、合同章", "2", "1772413200"]
        assert await heard(world) == [(1, 1)]
        with pytest.raises(SandboxRefused, match="required"):
            await world.client.hand_in(one, SEAL, {"Text-1": "合同"}, node_list=[node])

    async def test_for_several_applicants_at_once(self, world: World) -> None:
        one, two, three = await world.userids(3)
        handed = await world.client.hand_in(one, GENERAL, {"Text-1": "外出"}, batch=[one, two])
        info = await detail(world, handed["sp_no"])
        assert [who["userid"] for who in info["batch_applyer"]] == [one, two]
        assert "applyer" not in info
        assert len((await world.client.approvals_of(two))["submitted"]) == 1
        assert (await world.client.approvals_of(three))["submitted"] == []


class TestTheEvent:
    async def test_fields_in_their_documented_spelling(self, world: World) -> None:
        one, two, three = await world.userids(3)
        nodes = [{"type": 1, "apv_rel": 2, "userid": [two]}, {"type": 2, "userid": [three]}]
        sp_no = await submit_nodes(world, one, *nodes)
        await world.client.agree(two, sp_no, "好")
        event = await last_event(world)
        info = event.find("ApprovalInfo")
        assert (event.findtext("FromUserName"), event.findtext("AgentID")) == ("sys", "3010040")
        assert (info.findtext("SpNoStr"), info.findtext("SpNo")) == (sp_no, sp_no)
        assert info.findtext("TemplateId") == GENERAL
        assert info.findtext("Applyer/UserId") == one
        assert info.findtext("SpRecord/Details/Approver/UserId") == two
        assert info.findtext("SpRecord/Details/Speech") == "好"
        assert info.findtext("Notifyer/UserId") == three
        lists = info.findall("ProcessList/NodeList")
        assert [node.findtext("NodeType") for node in lists] == ["1", "2"]
        assert lists[0].findtext("SubNodeList/SpYj") == "2"
        assert int(lists[0].findtext("SubNodeList/Sptime")) > 0
        assert [child.tag for child in lists[1].find("SubNodeList")] == ["UserInfo"]

    async def test_silent_when_switched_off_not_ticked_or_out_of_sight(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.client.configure(approval_status_events=False)
        await submit(world, one, [two])
        await world.client.configure(approval_status_events=True)
        await world.client.set_approval_template(GENERAL, notifies=False)
        await submit(world, one, [two])
        await world.client.set_approval_template(GENERAL, notifies=True)
        await world.client.set_visible_range(users=[two])
        await world.client.hand_in(one, GENERAL, {"Text-1": "看不见"})
        assert await heard(world) == []

    async def test_a_renamed_and_a_departed_approver(self, world: World) -> None:
        one, two, three = await world.userids(3)
        sp_no = await submit_nodes(world, one, {"type": 1, "apv_rel": 1, "userid": [two, three]})
        await world.client.rename_userid(two, "renamed")
        await world.client.delete_person(three)
        shares = (await detail(world, sp_no))["process_list"]["node_list"][0]["sub_node_list"]
        assert [share["userid"] for share in shares] == ["renamed", three]


class TestListing:
    async def listed(self, world: World, **body: Any) -> Json:
        now = (await world.client.clock())["now"]
        times = {"starttime": str(int(now - 3600)), "endtime": str(int(now + 3600))}
        return await world.app("oa/getapprovalinfo", times | body)

    async def test_both_generations_of_cursors(self, world: World) -> None:
        one, two = await world.userids(2)
        numbers = [await submit(world, one, [two]) for _ in range(5)]
        first = await self.listed(world, new_cursor="", size=2)
        second = await self.listed(world, new_cursor=first["new_next_cursor"], size=2)
        third = await self.listed(world, new_cursor=second["new_next_cursor"], size=2)
        assert [*first["sp_no_list"], *second["sp_no_list"], *third["sp_no_list"]] == numbers
        assert "new_next_cursor" not in third
        old = await self.listed(world, cursor=0, size=3)
        assert (old["sp_no_list"], old["next_cursor"]) == (numbers[:3], 3)
        assert "next_cursor" not in await self.listed(world, cursor=3, size=3)
        assert (await self.listed(world, new_cursor="nonsense"))["errcode"] == 50100

    async def test_filters(self, world: World) -> None:
        one, two = await world.userids(2)
        mine, other = await submit(world, one, [two]), await submit(world, two, [one])
        await world.client.agree(two, mine)

        async def filtered(*pairs: tuple[str, str]) -> Any:
            answer = await self.listed(world, filters=[{"key": key, "value": value} for key, value in pairs])
            return answer.get("sp_no_list") if answer["errcode"] == 0 else answer["errcode"]

        assert await filtered(("creator", one.upper())) == [mine]
        assert await filtered(("sp_status", "1")) == [other]
        assert await filtered(("template_id", LEAVE)) == []
        assert await filtered(("record_type", "0"), ("creator", two)) == [other]
        departments = {str((await world.client.person(userid))["main_department"]) for userid in (one, two)}
        assert await filtered(*(("department", d) for d in departments)) == [mine, other]
        assert await filtered(("sp_status", "1"), ("sp_status", "2")) == 301025
        assert await filtered(("colour", "red")) == 301025
        await world.client.delete_person(two)
        assert await filtered(("creator", two)) == 301055

    async def test_range_size_and_too_many(self, world: World) -> None:
        one, two = await world.userids(2)
        for _ in range(3):
            await submit(world, one, [two])
        now = int((await world.client.clock())["now"])
        for times in ((now, now), (now, now - 1), (now - 32 * 86400, now), (0, now)):
            body = {"starttime": str(times[0]), "endtime": str(times[1])}
            assert (await world.app("oa/getapprovalinfo", body))["errcode"] == 301025
        assert (await self.listed(world, size=101))["errcode"] == 301025
        await world.client.configure(approval_list_most=2)
        assert (await self.listed(world))["errcode"] == 301112

    async def test_a_page_is_shorter_by_those_out_of_sight(self, world: World) -> None:
        one, two = await world.userids(2)
        for creator in (one, two, one, two):
            await submit(world, creator, [one])
        await world.client.set_visible_range(users=[two])
        page = await self.listed(world, new_cursor="", size=2)
        assert (len(page["sp_no_list"]), page["new_next_cursor"]) == (1, "2")
        assert (await world.app("oa/getapprovaldetail", {"sp_no": "nothing"}))["errcode"] == 301025
        hidden = (await world.client.approvals_of(one))["submitted"][0]["sp_no"]
        assert (await world.app("oa/getapprovaldetail", {"sp_no": hidden}))["errcode"] == 301055


@pytest.fixture
async def office() -> AsyncIterator[World]:
    world = await World().start(listening=False)
    yield world
    await world.stop()


class TestControls:
    async def answer(self, world: World, template_id: str, *contents: Json) -> Json:
        one, two = await world.userids(2)
        return await world.app(
            "oa/applyevent", application(one, [two], template_id=template_id, apply_data={"contents": list(contents)})
        )

    def seal(self, **values: Any) -> list[Json]:
        given = {
            "Text-1": {"text": "合同"},
            "Selector-2": {"selector": {"type": "multi", "options": [{"key": "option-1"}, {"key": "option-2"}]}},
            "Number-3": {"new_number": "2"},
            "Date-4": {"date": {"type": "hour", "s_timestamp": "1775059200"}},
        } | {name.replace("_", "-"): value for name, value in values.items()}
        return [{"control": name.split("-")[0], "id": name, "value": value} for name, value in given.items()]

    async def test_read_back_with_titles_and_texts(self, office: World) -> None:
        sp_no = (await self.answer(office, SEAL, *self.seal()))["sp_no"]
        contents = {c["id"]: c for c in (await detail(office, sp_no))["apply_data"]["contents"]}
        options = contents["Selector-2"]["value"]["selector"]["options"]
        assert [option["value"][0]["text"] for option in options] == ["公章", "合同章"]
        assert contents["Number-3"]["value"] == {"new_number": "2"}

    @pytest.mark.parametrize(
        ("values", "errcode"),
        [
            ({"Number_3": {"new_number": 2}}, 301025),
            ({"Number_3": {"new_number": "两份"}}, 301086),
            ({"Date_4": {"date": {"type": "day", "s_timestamp": "1775059200"}}}, 301025),
            ({"Selector_2": {"selector": {"type": "multi", "options": [{"key": "option-9"}]}}}, 301086),
            ({"Selector_2": {"selector": {"type": "single", "options": [{"key": "option-1"}]}}}, 301025),
            ({"Selector_2": "公章"}, 301025),
        ],
    )
    async def test_wrong_values(self, office: World, values: Json, errcode: int) -> None:
        assert (await self.answer(office, SEAL, *self.seal(**values)))["errcode"] == errcode

    async def test_contacts_get_their_names(self, office: World) -> None:
        one = (await office.userids(1))[0]
        contact = {"control": "Contact", "id": "Contact-3", "value": {"members": [{"userid": one.upper()}]}}
        sp_no = (await self.answer(office, GENERAL, TEXT, contact))["sp_no"]
        found = (await detail(office, sp_no))["apply_data"]["contents"][1]["value"]["members"]
        assert found == [{"userid": one, "name": (await office.client.person(one))["name"]}]

    async def test_files_become_permanent_and_are_six_at_most(self, office: World) -> None:
        params = {"access_token": await office.token(office.config.app_secret), "type": "file"}
        files = {"media": ("a.txt", b"some content", "text/plain")}
        media_id = (await office.http.post("/cgi-bin/media/upload", params=params, files=files)).json()["media_id"]

        def attached(count: int) -> Json:
            return {"control": "File", "id": "File-4", "value": {"files": [{"file_id": media_id}] * count}}

        assert (await self.answer(office, GENERAL, TEXT, attached(7)))["errcode"] == 301086
        assert (await self.answer(office, GENERAL, TEXT, attached(6)))["errcode"] == 0
        await office.client.advance_clock(4 * 86400)
        office._tokens.clear()
        assert (await self.answer(office, GENERAL, TEXT, attached(1)))["errcode"] == 0
        unknown = {"control": "File", "id": "File-4", "value": {"files": [{"file_id": "gone"}]}}
        assert (await self.answer(office, GENERAL, TEXT, unknown))["errcode"] == 40007

    def expense(self, *amounts: str, lacking: str = "") -> list[Json]:
        kind = {"selector": {"type": "single", "options": [{"key": "option-1"}]}}
        rows = [
            [
                {"control": "Date", "id": "Date-21", "value": {"date": {"type": "day", "s_timestamp": "1775059200"}}},
                {"control": "Money", "id": "Money-22", "value": {"new_money": amount}},
            ]
            for amount in amounts
        ]
        children = [{"list": [cell for cell in row if cell["id"] != lacking]} for row in rows]
        return [
            {"control": "Selector", "id": "Selector-1", "value": kind},
            {"control": "Table", "id": "Table-2", "value": {"children": children}},
        ]

    async def test_a_table_needs_a_row_and_every_child(self, office: World) -> None:
        sp_no = (await self.answer(office, EXPENSE, *self.expense("700", "12.5")))["sp_no"]
        contents = {c["id"]: c["value"] for c in (await detail(office, sp_no))["apply_data"]["contents"]}
        assert len(contents["Table-2"]["children"]) == 2
        assert contents["Formula-3"] == {"formula": {"value": "712.5"}}
        assert (await self.answer(office, EXPENSE, *self.expense()))["errcode"] == 301025
        assert (await self.answer(office, EXPENSE, *self.expense("700", lacking="Money-22")))["errcode"] == 301025

    def leave(self, begin: int, end: int) -> list[Json]:
        span = {"type": "halfday", "new_begin": begin, "new_end": end, "new_duration": 43200}
        chosen = {"type": "single", "options": [{"key": "1"}]}
        vacation = {"selector": chosen, "attendance": {"date_range": span, "type": 1}}
        reason = {"control": "Textarea", "id": "Textarea-2", "value": {"text": "探亲\n回家"}}
        return [{"control": "Vacation", "id": "Vacation-1", "value": {"vacation": vacation}}, reason]

    async def test_half_days_begin_at_midnight_or_noon_and_do_not_overlap(self, office: World) -> None:
        noon = MORNING + 12 * 3600
        assert (await self.answer(office, LEAVE, *self.leave(MORNING + 3600, noon)))["errcode"] == 301086
        first = await self.answer(office, LEAVE, *self.leave(MORNING, MORNING))
        assert first["errcode"] == 0
        assert (await self.answer(office, LEAVE, *self.leave(MORNING, noon)))["errcode"] == 301079
        assert (await self.answer(office, LEAVE, *self.leave(noon, noon)))["errcode"] == 0
        applicant = (await office.client.approval(first["sp_no"]))["applicant"]
        await office.client.withdraw(applicant, first["sp_no"])
        assert (await self.answer(office, LEAVE, *self.leave(MORNING, MORNING)))["errcode"] == 0

    async def test_overtime_of_seven_days_at_most(self, office: World) -> None:
        async def code(days: int) -> int:
            span = {"type": "hour", "new_begin": MORNING, "new_end": MORNING + days * 86400, "new_duration": 3600}
            value = {"attendance": {"type": 5, "date_range": span}}
            reason = {"control": "Textarea", "id": "Textarea-2", "value": {"text": "上线"}}
            given = {"control": "Attendance", "id": "Attendance-1", "value": value}
            return int((await self.answer(office, OVERTIME, given, reason))["errcode"])

        assert await code(8) == 301086
        assert await code(7) == 0
