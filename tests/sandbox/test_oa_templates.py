from typing import Any

import pytest

from sandbox.client import SandboxRefused
from tests.sandbox.world import Json, World

LEAVE = "3TmplSandboxLeave00000000000000000002"


def texts(text: str) -> list[Json]:
    return [{"text": text, "lang": "zh_CN"}]


def control(kind: str, number: int, **config: Any) -> Json:
    about = {"control": kind, "id": f"{kind}-{number}", "title": texts(f"{kind}{number}"), "require": 1}
    return {"property": about | {"placeholder": texts("请填写")}, "config": config}


OPTIONS = [{"key": "option-1", "value": {"text": "项目群", "lang": "zh_CN"}}]
SELECTOR = control("Selector", 2, selector={"type": "single", "options": OPTIONS})


def template(*controls: Json, name: str = "建群申请") -> Json:
    return {"template_name": texts(name), "template_content": {"controls": list(controls) or [control("Text", 1)]}}


class TestTemplates:
    async def test_made_by_api_and_read_back(self, world: World) -> None:
        made = await world.app("oa/approval/create_template", template(control("Text", 1), SELECTOR))
        found = await world.app("oa/gettemplatedetail", {"template_id": made["template_id"]})
        assert found["template_names"] == texts("建群申请")
        text, selector = found["template_content"]["controls"]
        assert text["property"] == control("Text", 1)["property"] | {"un_print": 0}
        assert selector["config"]["selector"]["options"][0]["value"] == texts("项目群")

    async def test_its_default_flow_asks_the_leader(self, world: World) -> None:
        template_id = (await world.app("oa/approval/create_template", template()))["template_id"]
        person = next(p for p in await world.client.people() if p["direct_leader"])
        handed = await world.client.hand_in(person["userid"], template_id, {"Text-1": "新群"})
        assert handed["active"] == person["direct_leader"]

    async def test_own_ones_only_and_no_print_layout_made_by_hand(self, world: World) -> None:
        template_id = (await world.app("oa/approval/create_template", template()))["template_id"]

        async def update(template_id: str, name: str) -> int:
            body = template(name=name) | {"template_id": template_id}
            return int((await world.app("oa/approval/update_template", body))["errcode"])

        assert await update(template_id, "建群申请") == 0
        assert await update(LEAVE, "请假改") == 301088
        assert await update(template_id, "请假") == 301086
        await world.client.set_approval_template(template_id, custom_print=True)
        assert await update(template_id, "建群申请") == 301115

    async def test_unknown_and_third_party_s(self, world: World) -> None:
        async def code(template_id: str) -> int:
            return int((await world.app("oa/gettemplatedetail", {"template_id": template_id}))["errcode"])

        assert (await code(""), await code("unknown"), await code(LEAVE)) == (301025, 301026, 0)
        await world.client.set_approval_template(LEAVE, third_party=True)
        assert await code(LEAVE) == 301055

    async def test_too_many(self, world: World) -> None:
        await world.client.configure(approval_template_max=7)
        assert (await world.app("oa/approval/create_template", template(name="一")))["errcode"] == 0
        assert (await world.app("oa/approval/create_template", template(name="二")))["errcode"] == 301087

    @pytest.mark.parametrize(
        ("body", "errcode"),
        [
            (template(name="名" * 41), 301086),
            (template(name=""), 301025),
            (template(name="请假"), 301086),
            (template() | {"template_content": {"controls": []}}, 301025),
            (template(control("Formula", 1)), 301025),
            (template(control("Text", 1), control("Text", 1)), 301086),
            (template({"property": control("Text", 1)["property"] | {"id": "text-1"}}), 301086),
            (template({"property": control("Text", 1)["property"] | {"title": texts("题" * 41)}}), 301086),
            (template({"property": control("Text", 1)["property"] | {"placeholder": texts("说" * 81)}}), 301086),
            (template({"property": control("Text", 1)["property"] | {"require": 2}}), 301025),
            (template(control("Date", 1, date={"type": "minute"})), 301025),
            (template(control("Selector", 1, selector={"type": "single", "options": []})), 301025),
            (
                template(
                    control("Selector", 1, selector={"type": "single", "options": [{"key": "a", "value": texts("x")}]})
                ),
                301025,
            ),
            (template(control("Contact", 1, contact={"type": "single", "mode": "tag"})), 301025),
            (template(control("Table", 1, table={"children": []})), 301025),
            (template(control("Table", 1, table={"children": [control("Vacation", 2)]})), 301086),
            (template(control("Table", 1, table={"children": [control("Table", 2)]})), 301086),
            (
                template(
                    control("Vacation", 1),
                    control("Attendance", 2, attendance={"type": 3, "date_range": {"type": "hour"}}),
                ),
                301086,
            ),
            (template(control("Attendance", 1, attendance={"type": 2, "date_range": {"type": "hour"}})), 301025),
            (template(control("DateRange", 1, date_range={"type": "hour", "perday_duration": 86401})), 301086),
            (template(control("Location", 1, location={"distance": 50})), 301025),
            (template(control("RelatedApproval", 1, related_approval={"template_id": ["unknown"]})), 301086),
        ],
    )
    async def test_refused(self, world: World, body: Json, errcode: int) -> None:
        assert (await world.app("oa/approval/create_template", body))["errcode"] == errcode

    async def test_every_kind_that_can_be_made(self, world: World) -> None:
        link = {"type": 2, "content": {"link": {"title": "制度", "url": "https://x.test"}}}
        plain = {"type": 1, "content": {"plain_text": {"content": "请先读"}}}
        controls = [
            *(control(kind, 1) for kind in ("Text", "Textarea", "Number", "Money", "PhoneNumber", "BankAccount")),
            control("Date", 1, date={"type": "day"}),
            SELECTOR,
            control("Contact", 1, contact={"type": "multi", "mode": "department"}),
            control("Tips", 1, tips={"tips_content": [{"lang": "zh_CN", "text": {"sub_text": [plain, link]}}]}),
            control("File", 1, file={"is_only_photo": 1}),
            control("Table", 1, table={"print_format": 1, "children": [control("Text", 9)]}),
            control("Vacation", 1),
            control("Location", 1, location={"distance": 100}),
            control("RelatedApproval", 1, related_approval={"template_id": [LEAVE]}),
            control("DateRange", 1, date_range={"type": "halfday", "official_holiday": 1}),
        ]
        assert (await world.app("oa/approval/create_template", template(*controls)))["errcode"] == 0


class TestTheEngineOfAnAppsOwnForms:
    async def begin(self, world: World, *nodes: Json, third_no: str = "PRJ-88-1") -> tuple[str, Json]:
        _, two, three = await world.userids(3)
        given = nodes or ({"attr": 2, "type": 1, "userids": [two, three]}, {"attr": 1, "type": 3})
        await world.client.make_open_template("tpl-group", "建群审批", list(given), notify=[three])
        fields = [{"title": "群名", "type": "text", "value": "周会"}]
        applicant = next(p["userid"] for p in await world.client.people() if p["direct_leader"])
        return applicant, await world.client.start_open_approval(applicant, "tpl-group", third_no, fields=fields)

    async def events(self, world: World) -> list[Any]:
        await world.client.wait_idle()
        return [r.event for r in world.receiver.events("open_approval_change")]

    async def test_all_then_the_superior(self, world: World) -> None:
        applicant, document = await self.begin(world)
        _, two, three = await world.userids(3)
        assert document["active"] == [two, three]
        await world.client.act_on_open_approval(two, "PRJ-88-1", "agree", "好")
        document = await world.client.act_on_open_approval(three, "PRJ-88-1", "agree")
        leader = (await world.client.person(applicant))["direct_leader"]
        assert (document["active"], document["ApproverStep"]) == (leader, 1)
        document = await world.client.act_on_open_approval(leader[0], "PRJ-88-1", "agree")
        assert document["OpenSpstatus"] == 2
        events = await self.events(world)
        assert [e.findtext("ApprovalInfo/OpenSpStatus") for e in events] == ["1", "1", "1", "2"]
        assert [e.findtext("ApprovalInfo/ApproverStep") for e in events] == ["0", "0", "1", "1"]
        info = events[1].find("ApprovalInfo")
        assert (info.findtext("ThirdNo"), info.findtext("ApplyUserId")) == ("PRJ-88-1", applicant)
        nodes = info.findall("ApprovalNodes/ApprovalNode")
        assert [(n.findtext("NodeAttr"), n.findtext("NodeType")) for n in nodes] == [("2", "1"), ("1", "3")]
        items = nodes[0].findall("Items/Item")
        assert [(i.findtext("ItemUserid"), i.findtext("ItemStatus")) for i in items] == [(two, "2"), (three, "1")]
        assert (items[0].findtext("ItemSpeech"), items[1].findtext("ItemOpTime")) == ("好", "0")
        assert info.findtext("NotifyNodes/NotifyNode/ItemUserid") == three
        assert events[0].findtext("AgentID") == str(world.config.agent_id)

    async def test_asked_by_the_app_s_own_number(self, world: World) -> None:
        applicant, _ = await self.begin(world)
        data = (await world.app("corp/getopenapprovaldata", {"thirdNo": "PRJ-88-1"}))["data"]
        name = (await world.client.person(applicant))["name"]
        assert (data["OpenSpstatus"], data["ApplyUsername"], data["ApplyUserId"]) == (1, name, applicant)
        assert data["ApprovalNodes"]["ApprovalNode"][0]["Items"]["Item"][0]["ItemUserId"]
        assert (await world.app("corp/getopenapprovaldata", {"thirdNo": "unknown"}))["errcode"] == 301025

    async def test_rejected_forwarded_and_withdrawn(self, world: World) -> None:
        one, two = await world.userids(2)
        await self.begin(world, {"attr": 1, "type": 1, "userids": [two]})
        forwarded = await world.client.act_on_open_approval(two, "PRJ-88-1", "forward", "请看", one)
        assert forwarded["active"] == [one]
        rejected = await world.client.act_on_open_approval(one, "PRJ-88-1", "reject", "不行")
        assert rejected["OpenSpstatus"] == 3
        applicant, _ = await self.begin(world, {"attr": 1, "type": 2, "tag": 1}, third_no="PRJ-88-2")
        assert (await world.client.act_on_open_approval(applicant, "PRJ-88-2", "withdraw"))["OpenSpstatus"] == 4
        events = await self.events(world)
        items = events[1].findall("ApprovalInfo/ApprovalNodes/ApprovalNode/Items/Item")
        assert [item.findtext("ItemStatus") for item in items] == ["4", "1"]

    async def test_refusals_are_strings(self, world: World) -> None:
        applicant, _ = await self.begin(world)
        for third_no, template_id, said in (
            ("PRJ-88-1", "tpl-group", "used already"),
            ("PRJ-88-2", "unknown", "template not exist"),
        ):
            with pytest.raises(SandboxRefused, match=said):
                await world.client.start_open_approval(applicant, template_id, third_no)
        await world.client.make_open_template("tpl-other", "别的应用", [], agent_id=1_000_009)
        with pytest.raises(SandboxRefused, match="agent"):
            await world.client.start_open_approval(applicant, "tpl-other", "PRJ-88-3")
        with pytest.raises(SandboxRefused, match="thirdNo not exist"):
            await world.client.open_approval("PRJ-99")
