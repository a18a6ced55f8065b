"""The console's 调用, 回调, 同步 and 追踪: what they show to whom, and that every act is one act."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from app.inbox.service import EVENTS, event_kind
from app.sync import service as sync
from callbacks.contact_hints import HINTS
from callbacks.handlers import CLICK
from callbacks.sayings import SAYINGS
from models.confirmations import Confirmation
from models.delivery import CallState, DeliveryState, OutgoingCall
from models.ids import SyncRunId, new_id
from models.org import SyncState
from tests.pages.operations import ended, held_run, let, message_to, parked_event
from tests.pages.world import Browser, House


@pytest.fixture
async def operator(house: House) -> Browser:
    """chen, who has been given 信息部门: they read no content."""
    await let(house.services, house.company, "chen", "it")
    return await house.signed_in("chen")


async def unknown_call(house: House) -> UUID:
    message = await message_to(house.services, house.company, ["li"], "只有本人可以读的内容")
    return await ended(house.services, message, DeliveryState.UNKNOWN, "outcome_unknown")


class TestCalls:
    async def test_a_call_says_what_it_came_to_and_what_cures_it(self, house: House, operator: Browser) -> None:
        message = await message_to(house.services, house.company, ["li"])
        call = await ended(house.services, message, DeliveryState.FAILED, "refused:60011", 60011)
        await operator.get("/console/calls?state=failed")
        assert "发送消息" in operator.text
        await operator.get(f"/console/calls/{call}")
        assert "企业微信的答复 60011" in operator.text
        assert "怎么办" in operator.text

    async def test_content_is_for_those_who_may_read_it(self, house: House, operator: Browser) -> None:
        call = await unknown_call(house)
        await operator.get(f"/console/calls/{call}")
        assert "只有本人可以读的内容" not in operator.text
        await let(house.services, house.company, "zhao", "administrator")
        administrator = await house.signed_in("zhao")
        await administrator.get(f"/console/calls/{call}")
        assert "只有本人可以读的内容" in administrator.text

    async def test_a_person_says_what_became_of_an_unknown_one(self, house: House, operator: Browser) -> None:
        call = await unknown_call(house)
        await operator.get(f"/console/calls/{call}")
        await operator.send(f"/console/calls/{call}/resolve/done")
        assert "已记下核对的结果。" in operator.text
        async with house.services.sessions() as session:
            row = await session.get(OutgoingCall, call)
        assert row is not None
        assert row.state is CallState.DONE
        assert "我看到已经生效" not in operator.text

    async def test_what_was_decided_meanwhile_is_told(self, house: House, operator: Browser) -> None:
        call = await unknown_call(house)
        await operator.get(f"/console/calls/{call}")
        fields = operator.hidden(f"/console/calls/{call}/resolve/failed")
        await operator.send(f"/console/calls/{call}/resolve/done")
        page = await operator.post(f"/console/calls/{call}/resolve/failed", fields | {"form_id": str(new_id())})
        assert page.status_code == 409
        assert "只有结果未知的调用才需要人工确认" in operator.text


class TestCallbacks:
    async def test_one_is_shown_field_by_field(self, house: House, operator: Browser) -> None:
        event = await parked_event(house.services)
        await operator.get("/console/callbacks?state=parked")
        assert "多次失败，等待人工" in operator.text
        await operator.get(f"/console/callbacks/{event}")
        assert "UserID u001" in operator.text
        assert "处理时出错" in operator.text

    async def test_what_happened_stands_there_in_words(self, house: House, operator: Browser) -> None:
        await parked_event(house.services)
        page = await operator.get("/console/callbacks?event_type=change_contact.update_user")
        assert "成员资料变更 change_contact.update_user" in operator.text
        assert '<option value="change_contact.update_user" selected>成员资料变更</option>' in page.text

    async def test_it_is_handled_again_and_the_timeline_says_by_whom(self, house: House, operator: Browser) -> None:
        event = await parked_event(house.services)
        await operator.get(f"/console/callbacks/{event}")
        await operator.send(f"/console/callbacks/{event}/replay")
        assert "已安排重新处理。" in operator.text
        assert "重新处理了回调 陈晨" in operator.text
        assert "重新处理这条回调" not in operator.text

    async def test_one_without_a_body_cannot_be(self, house: House, operator: Browser) -> None:
        event = await parked_event(house.services, has_body=False)
        await operator.get(f"/console/callbacks/{event}")
        assert "这条回调的原文已清除" in operator.text
        assert "重新处理这条回调" not in operator.text


class TestSyncs:
    async def test_a_release_says_first_who_counts_as_gone(self, house: House, operator: Browser) -> None:
        run = await held_run(house.services)
        await operator.get("/console/sync")
        assert "有减少待核实" in operator.text
        await operator.get(f"/console/sync/{run}")
        assert "李军" in operator.text
        assert "1 人立即按离职或停用处理，空出 2 个群成员的名额。" in operator.text
        assert "放行，1 人按离职或停用处理" in operator.text

    async def test_a_person_rejects(self, house: House, operator: Browser) -> None:
        run = await held_run(house.services)
        await operator.get(f"/console/sync/{run}")
        await operator.send(f"/console/sync/{run}/reject")
        assert "已驳回" in operator.text
        async with house.services.sessions() as session:
            row = await sync.read_run(session, run_id=SyncRunId(run))
        assert (row.state, row.decided_by) == (SyncState.REJECTED, f"person:{house.person('chen').id}")

    async def test_a_release_asks_another_person(self, house: House, operator: Browser) -> None:
        run = await held_run(house.services)
        await operator.get(f"/console/sync/{run}")
        assert "放行需要另一个人确认" in operator.text
        await operator.send(f"/console/sync/{run}/release")
        assert "已请另一个人确认，确认之后才放行。" in operator.text
        async with house.services.sessions() as session:
            row = await sync.read_run(session, run_id=SyncRunId(run))
            asked = list(await session.scalars(select(Confirmation)))
        assert row.state is SyncState.HELD
        assert [(one.act, one.asked_by) for one in asked] == [("sync.release", house.person("chen").id)]

    async def test_one_is_started_once(self, house: House, operator: Browser) -> None:
        await operator.get("/console/sync")
        fields = operator.hidden("/console/sync")
        await operator.post("/console/sync", fields | {"dry_run": "true"})
        first = operator.went[-1].partition("?")[0]
        await operator.post("/console/sync", fields | {"dry_run": "true"})
        assert operator.went[-1].partition("?")[0] == first
        assert "只看不写" in operator.text

    async def test_auditors_start_and_decide_nothing(self, house: House) -> None:
        run = await held_run(house.services)
        await let(house.services, house.company, "wang", "auditor")
        browser = await house.signed_in("wang")
        await browser.get(f"/console/sync/{run}")
        assert "李军" in browser.text
        for path in (f"/console/sync/{run}/release", f"/console/sync/{run}/reject", "/console/sync"):
            assert (await browser.post(path, browser.hidden("/sign-in/language"))).status_code == 403
            await browser.get(f"/console/sync/{run}")


class TestTrace:
    async def test_what_led_to_what_stands_in_one_order(self, house: House, operator: Browser) -> None:
        event = await parked_event(house.services)
        await operator.get(f"/console/callbacks/{event}")
        assert 'href="/console/trace?id=trace-of-a-callback"' in operator.page.text  # type: ignore[union-attr]  # read
        page = await operator.get("/console/trace?id=trace-of-a-callback")
        assert "收到企业微信的回调（成员资料变更）" in operator.text
        assert f'href="/console/callbacks/{event}"' in page.text

    async def test_an_id_of_nothing_is_told(self, operator: Browser) -> None:
        page = await operator.get("/console/trace?id=nothing-of-this-name")
        assert page.status_code == 200
        assert "没有找到这个编号下的任何记录" in operator.text


@pytest.mark.parametrize("path", ["calls", "callbacks", "sync", "trace"])
async def test_nobody_else_may_look(house: House, path: str) -> None:
    browser = await house.signed_in("li")
    page = await browser.get(f"/console/{path}")
    assert page.status_code == 403
    assert "您没有" in browser.text


def test_every_event_that_something_is_done_about_has_words() -> None:
    assert set(EVENTS) >= {CLICK, *HINTS, *SAYINGS}
    assert event_kind("change_external_chat.dismiss").chinese == "客户群变更"
    assert event_kind("brand_new_event").chinese == "其他事件"
