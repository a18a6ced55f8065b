"""The console's overview and 发送: what they show to whom, and that nothing is sent again by accident."""

from __future__ import annotations

import pytest

from models.delivery import DeliveryState
from tests.pages.operations import deliveries_of, ended, let, message_to
from tests.pages.world import Browser, House


@pytest.fixture
async def operator(house: House) -> Browser:
    """chen, who has been given 信息部门."""
    await let(house.services, house.company, "chen", "it")
    return await house.signed_in("chen")


class TestOverview:
    async def test_it_counts_what_needs_a_person_and_leads_there(self, house: House, operator: Browser) -> None:
        message = await message_to(house.services, house.company, ["li"])
        await ended(house.services, message, DeliveryState.UNKNOWN, "outcome_unknown")
        page = await operator.get("/console")
        assert "有事情要处理" in operator.text
        assert "1 结果不明、等待人工核对的调用" in operator.text
        assert 'href="/console/calls?state=unknown"' in page.text

    async def test_whoever_may_read_nothing_sees_figures_of_their_own_alone(self, house: House) -> None:
        await message_to(house.services, house.company, ["li"])
        browser = await house.signed_in("li")
        await browser.get("/console")
        assert "调用" not in browser.text


class TestDeliveries:
    async def test_recipients_are_listed_by_name_and_state(self, house: House, operator: Browser) -> None:
        message = await message_to(house.services, house.company, ["li", "wang"])
        await ended(house.services, message, DeliveryState.FAILED, "refused:60011", 60011)
        await operator.get("/console/deliveries?state=failed")
        assert "李军" in operator.text
        assert "企业微信拒绝：60011" in operator.text
        await operator.get("/console/deliveries?state=failed&userid=wang")
        assert "王芳" in operator.text
        assert "李军" not in operator.text
        await operator.get("/console/deliveries?state=sent")
        assert "没有符合条件的发送记录" in operator.text

    async def test_nobody_else_may_look(self, house: House) -> None:
        message = await message_to(house.services, house.company, ["li"])
        row = (await deliveries_of(house.services, message))[0]
        browser = await house.signed_in("li")
        for path in ("/console/deliveries", f"/console/deliveries/{row.id}", "/console/deliveries/retry"):
            page = await browser.get(path)
            assert page.status_code == 403
            assert "李军" not in browser.text

    async def test_one_that_failed_is_sent_again_once(self, house: House, operator: Browser) -> None:
        message = await message_to(house.services, house.company, ["li"])
        first = await ended(house.services, message, DeliveryState.FAILED, "refused:60011", 60011)
        row = (await deliveries_of(house.services, message))[0]
        path = f"/console/deliveries/{row.id}"
        await operator.get(path)
        assert "重新发送给 李军" in operator.text
        fields = operator.hidden(f"{path}/retry")
        await operator.post(f"{path}/retry", fields)
        assert "已安排重新发送。" in operator.text
        again = (await deliveries_of(house.services, message))[0]
        assert (again.state, again.call_id == first) == (DeliveryState.HELD, False)
        await operator.post(f"{path}/retry", fields)
        assert (await deliveries_of(house.services, message))[0].call_id == again.call_id

    async def test_many_are_sent_again_after_a_look(self, house: House, operator: Browser) -> None:
        message = await message_to(house.services, house.company, ["li", "wang"])
        await ended(house.services, message, DeliveryState.FAILED, "refused:60011", 60011)
        await operator.get("/console/deliveries/retry")
        assert "将重新发送给 2 位收件人" in operator.text
        assert {row.state for row in await deliveries_of(house.services, message)} == {DeliveryState.FAILED}
        await operator.send("/console/deliveries/retry")
        assert "已安排重新发送 2 项，略过 0 项。" in operator.text
        assert {row.state for row in await deliveries_of(house.services, message)} == {DeliveryState.HELD}

    async def test_auditors_look_and_send_nothing(self, house: House) -> None:
        message = await message_to(house.services, house.company, ["li"])
        await ended(house.services, message, DeliveryState.FAILED, "refused:60011", 60011)
        row = (await deliveries_of(house.services, message))[0]
        await let(house.services, house.company, "sun", "auditor")
        browser = await house.signed_in("sun")
        await browser.get(f"/console/deliveries/{row.id}")
        assert "李军" in browser.text
        assert "重新发送给" not in browser.text
        page = await browser.post(f"/console/deliveries/{row.id}/retry", browser.hidden("/sign-in/language"))
        assert page.status_code == 403

    async def test_an_odd_number_is_no_page(self, operator: Browser) -> None:
        for number in ("0", "-1", "99999999999999999999999", "abc", "999"):
            assert (await operator.get(f"/console/deliveries/{number}")).status_code == 404
