"""The administrator's console in a real browser."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Stage

PAGES = (
    "/phones",
    "/admin",
    "/admin/people",
    "/admin/apps",
    "/admin/tags",
    "/admin/activity",
    "/admin/limits",
    "/admin/faults",
    "/admin/callbacks",
    "/admin/calls",
    "/admin/clock",
    "/endpoints",
    "/wwlogin/sso/login?login_type=CorpApp&appid=wwsandbox0000000001&agentid=1000002&redirect_uri=http%3A%2F%2Fservice",
)


class TestConsole:
    async def test_a_callback_address_is_verified_and_a_refusal_explained(self, page: Page, stage: Stage) -> None:
        await page.goto("/admin/apps")
        panel = page.locator(".panel", has_text="应用：接收消息")
        stage.receiver.echo_suffix = "!"
        await panel.get_by_role("button", name="保存").click()
        await expect(panel.get_by_role("status")).to_contain_text("不是解密后的明文本身")
        stage.receiver.echo_suffix = ""
        await panel.get_by_role("button", name="保存").click()
        await expect(panel.get_by_role("status")).to_contain_text("已验证并保存")

    async def test_somebody_is_hired_and_the_service_hears_of_it(self, page: Page, stage: Stage) -> None:
        await page.goto("/admin/people")
        await page.get_by_role("link", name="行政部").first.click()
        await page.get_by_text("新增成员").click()
        await page.get_by_label("账号", exact=True).fill("xiaoyu")
        await page.get_by_label("姓名", exact=True).fill("欧阳小雨")
        await page.get_by_role("button", name="新增", exact=True).first.click()
        await expect(page.locator(".grid")).to_contain_text("欧阳小雨")
        await expect(page.locator(".script code")).to_contain_text("/sandbox/people")
        assert [event.text("UserID") for event in stage.receiver.events("create_user")] == ["xiaoyu"]

    async def test_a_renamed_person_is_followed(self, page: Page, stage: Stage) -> None:
        userid = (await stage.userids(1))[0]
        await page.goto(f"/admin/people/{userid}")
        await page.get_by_label("新的 userid").fill("renamed")
        await page.get_by_role("button", name="改名").click()
        await expect(page).to_have_url(f"{stage.base_url}/admin/people/renamed")
        assert stage.receiver.events("update_user")[0].text("NewUserID") == "renamed"

    async def test_a_fault_is_armed_met_and_shown_in_the_log(self, page: Page, stage: Stage) -> None:
        userid = (await stage.userids(1))[0]
        await page.goto("/admin/faults")
        await page.get_by_role("button", name="45009 频率超限").click()
        await page.get_by_role("button", name="布下故障").click()
        await expect(page.locator(".panel", has_text="生效中")).to_contain_text("message/send")
        with pytest.raises(AssertionError, match="45009"):
            await stage.send(userid, "text", {"content": "这次不行"})
        await page.goto("/admin/calls")
        await expect(page.locator(".push").first).to_contain_text("45009")
        await expect(page.locator(".push").first).to_contain_text("故障")

    async def test_time_is_put_forward(self, page: Page, stage: Stage) -> None:
        await page.goto("/admin/clock")
        await page.get_by_role("button", name="快进 72 小时").click()
        await expect(page.get_by_text("比真实时间快 259200 秒")).to_be_visible()
        assert (await stage.client.clock())["offset"] == pytest.approx(259_200)


class TestEveryScreenSize:
    @pytest.mark.parametrize("width", [360, 390, 768, 1440])
    async def test_nothing_sticks_out_sideways(self, browser: Browser, stage: Stage, width: int) -> None:
        userid = (await stage.userids(1))[0]
        await stage.send(userid, "text", {"content": "很长" * 200})
        context = await browser.new_context(base_url=stage.base_url, viewport={"width": width, "height": 800})
        page = await context.new_page()
        for path in (*PAGES, f"/admin/people/{userid}", f"/phones/{userid}", f"/phones/{userid}?c={stage.app_id}"):
            await page.goto(path)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        await context.close()

    @pytest.mark.parametrize("language", ["zh-CN", "en-US"])
    @pytest.mark.parametrize("width", [360, 390])
    async def test_nothing_in_the_header_covers_anything(
        self, browser: Browser, stage: Stage, width: int, language: str
    ) -> None:
        context = await browser.new_context(
            base_url=stage.base_url, viewport={"width": width, "height": 800}, locale=language
        )
        page = await context.new_page()
        await page.goto("/admin/calls")
        edges = await page.eval_on_selector_all(
            ".topbar nav a, .topbar .language",
            "found => found.map(one => one.getBoundingClientRect()).map(box => [box.left, box.right])",
        )
        assert len(edges) == 5
        assert edges[0][0] >= 0
        assert all(left[1] <= right[0] for left, right in pairwise(edges)), edges
        assert edges[-1][1] <= width
        await context.close()


class TestCallLog:
    async def test_it_is_searched_and_opened_with_the_keyboard_on_a_phone(self, browser: Browser, stage: Stage) -> None:
        for userid in await stage.userids(2):
            await stage.send(userid, "text", {"content": f"只给 {userid} 看"})
        (wanted, _other) = await stage.userids(2)
        context = await browser.new_context(
            base_url=stage.base_url, viewport={"width": 390, "height": 800}, locale="zh-CN"
        )
        page = await context.new_page()
        await page.goto("/admin/calls")
        await page.get_by_label("搜索请求与应答").focus()
        await page.keyboard.type(f"只给 {wanted}")
        await page.keyboard.press("Enter")
        await expect(page.locator(".push")).to_have_count(1)
        await page.locator(".push summary").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".push pre").first).to_contain_text(wanted)
        await context.close()
