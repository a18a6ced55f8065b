"""The platform's side: reachable, its clock, both credentials, the app with menu and range, who may read, our IP."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

import httpx

from app.doctor.context import CHANNEL_NAMES, CheckContext
from app.doctor.findings import APP_PAGE, SYNC_PAGE, Finding, failed, ok, page_of, skipped, warning
from app.menu.service import menu_at
from app.quotes import quoted
from app.wecom.codes import NO_MENU
from app.wecom.errors import WecomError, WecomRefused
from app.wecom.health import TOLERATED_OFFSET
from app.wecom.message_bodies.menu import Menu, read_menu
from app.wecom.payloads import AgentInfo, read
from models.ids import APP, CONTACTS, AppId

ROOT: Final = 1
NOT_TRUSTED: Final = 60020
ID_PAGES: Final = 12
"""Of 10,000 each: enough to say whom a narrow range misses in a company of 100,000."""

_SET_MENU: Final = "运行 steward menu 重新设置（先看差别：steward menu --dry-run）；成员重新打开应用后可见"

_PAGES: Final = {APP: APP_PAGE, CONTACTS: SYNC_PAGE}


async def reachable(context: CheckContext) -> Finding:
    base = context.settings.wecom.api_base
    try:
        # Without parameters: answered with an errcode, and no attempt that counts against a secret.
        response = await context.platform.get("gettoken")
    except httpx.RequestError as error:
        proxy = "，经代理" if context.settings.wecom.proxy else ""
        return failed(
            f"连不上企业微信（{base}{proxy}）：{type(error).__name__}",
            "检查这台机器能否访问外网 443 端口、DNS，以及 STEWARD_WECOM_PROXY 与 STEWARD_WECOM_API_BASE",
        )
    if response.status_code != httpx.codes.OK or '"errcode"' not in response.text:
        return failed(
            f"{base} 的应答不是企业微信的（HTTP {response.status_code}）",
            "核对 STEWARD_WECOM_API_BASE（要以 /cgi-bin 结尾），以及代理是否拦截",
        )
    return ok(f"{base} 有应答")


async def clock(context: CheckContext) -> Finding:
    if context.platform_time is None:
        return skipped("企业微信的应答没有带时间")
    offset = context.platform_time[1]
    seconds = round(offset.total_seconds())
    if abs(offset) <= TOLERATED_OFFSET:
        return ok(f"与企业微信相差 {abs(seconds)} 秒")
    says = f"本机时钟比企业微信{'慢' if seconds > 0 else '快'} {abs(seconds)} 秒"
    if abs(offset) > context.settings.callback_window - timedelta(seconds=5):
        return failed(f"{says}，回调会因时间不符被拒收", "打开时间同步（NTP）")
    return warning(says, "打开时间同步（NTP）")


async def secret_of_app(context: CheckContext) -> Finding:
    return await _secret(context, APP)


async def secret_of_contacts(context: CheckContext) -> Finding:
    return await _secret(context, CONTACTS)


async def _secret(context: CheckContext, app_id: AppId) -> Finding:
    try:
        await context.fetch_token(app_id)
    except WecomError as error:
        return _explained(error, page_of("WECOM_APP_SECRET" if app_id == APP else "WECOM_CONTACTS_SECRET"))
    return ok(f"企业ID 与{CHANNEL_NAMES[app_id]}的 Secret 被接受")


async def agent(context: CheckContext) -> Finding:
    try:
        info = read(AgentInfo, await context.first_call(APP), path="agent/get")
    except WecomError as error:
        return _unless_untrusted(error, page_of("WECOM_AGENT_ID"))
    if info.closed:
        return failed(f"应用{quoted(info.name)}已停用", "启用它", APP_PAGE)
    return ok(f"应用{quoted(info.name)}，AgentId {info.agent_id}，已启用")


async def menu(context: CheckContext) -> Finding:
    home = context.settings.public_url
    try:
        shown = await _menu_shown(context)
    except WecomError as error:
        return skipped(f"没有读到应用菜单：{error}")
    if home is None:
        left_over = f"；平台上还有菜单 {shown.names}" if shown.entries else ""
        return skipped(f"没有填 STEWARD_PUBLIC_URL：服务不设置应用菜单，卡片没有链接{left_over}")
    wanted = menu_at(home)
    if shown == wanted:
        return ok(f"应用菜单由本服务设置：{wanted.names}")
    if not shown.entries:
        return warning("应用没有菜单", f"启动 steward run 或 worker 时设置；已经在运行就{_SET_MENU}")
    return warning(f"平台上的应用菜单 {shown.names} 与本服务设置的不同", _SET_MENU)


async def _menu_shown(context: CheckContext) -> Menu:
    try:
        return read_menu(await context.ask(APP, "menu/get", None, agentid=context.settings.wecom.agent_id))
    except WecomRefused as error:
        if error.errcode == NO_MENU:
            return Menu()
        raise


async def visible_range(context: CheckContext) -> Finding:
    info = read(AgentInfo, await context.first_call(APP), path="agent/get")
    if ROOT in info.party_ids:
        return ok("可见范围是根部门（全公司）")
    holds = f"{len(info.party_ids)} 个部门、{len(info.user_ids)} 名成员、{len(info.tag_ids)} 个标签"
    missed = await _missed(context, info)
    return failed(
        f"可见范围只有 {holds}，不是根部门：不能建群（48002）{missed}",
        "把可见范围改为最上面的部门（根部门）",
        f"{APP_PAGE} → 可见范围",
    )


async def _missed(context: CheckContext, info: AgentInfo) -> str:
    """Whom it misses, as far as both credentials together tell; people seen by tag alone count as missed."""
    if CONTACTS not in context.tokens:
        return ""
    try:
        everything = {int(row["id"]) for row in (await context.first_call(CONTACTS))["department_id"]}
        seen = {int(row["id"]) for row in (await context.ask(APP, "department/simplelist"))["department_id"]}
        people = await _people_outside(context, seen, set(info.user_ids))
    except (WecomError, KeyError, TypeError, ValueError):
        return ""
    some = "、".join(people[:5]) + ("等" if len(people) > 5 else "")  # noqa: PLR2004 -- a few names are enough
    who = f"，{len(people)} 人（{some}）" if people else ""
    return f"；看不见 {len(everything)} 个部门中的 {len(everything - seen)} 个{who}"


async def _people_outside(context: CheckContext, departments: set[int], userids: set[str]) -> list[str]:
    """Userids of those all of whose departments are outside."""
    inside: set[str] = set(userids)
    everybody: dict[str, None] = {}
    cursor = ""
    for _ in range(ID_PAGES):
        body = json.dumps({"cursor": cursor, "limit": 10_000}).encode()
        answer: dict[str, Any] = await context.ask(CONTACTS, "user/list_id", body)
        for row in answer["dept_user"]:
            everybody[str(row["userid"])] = None
            if int(row["department"]) in departments:
                inside.add(str(row["userid"]))
        if not (cursor := str(answer.get("next_cursor") or "")):
            break
    return [userid for userid in everybody if userid not in inside]


async def reading(context: CheckContext) -> Finding:
    """Ids come through 通讯录同步, details through the app (callbacks §3.2)."""
    try:
        await context.first_call(CONTACTS)
        answer = await context.ask(CONTACTS, "user/list_id", b'{"cursor":"","limit":1}')
        await context.ask(APP, "department/get", id=ROOT)
    except WecomError as error:
        return _unless_untrusted(error, SYNC_PAGE)
    told = "部门与成员的 id 由通讯录同步读取，详情由自建应用读取"
    first = next(iter(answer.get("dept_user") or []), None)
    if first is None:
        return warning("通讯录同步读到的成员是空的", "在该页面打开“API 接口同步”", SYNC_PAGE)
    try:
        await context.ask(APP, "user/get", userid=str(first["userid"]))
    except WecomError as error:
        return _explained(error, f"{APP_PAGE} → 可见范围")
    try:
        await context.ask(CONTACTS, "user/simplelist", department_id=ROOT)
    except WecomRefused as error:
        return ok(f"{told}（通讯录同步不能读详情：{error.errcode}，新接入的企业都是这样）")
    except WecomError:
        return ok(told)
    return ok(f"{told}（通讯录同步也能读详情）")


async def trusted_for_app(context: CheckContext) -> Finding:
    return await _trusted(context, APP)


async def trusted_for_contacts(context: CheckContext) -> Finding:
    return await _trusted(context, CONTACTS)


async def _trusted(context: CheckContext, app_id: AppId) -> Finding:
    try:
        await context.first_call(app_id)
    except WecomRefused as error:
        if error.errcode != NOT_TRUSTED:
            return skipped(f"{CHANNEL_NAMES[app_id]}的调用因别的原因被拒（{error.errcode}），见上")
        address = error.caller_ip or "本机的出口 IP"
        return failed(
            f"企业微信不接受来自 {address} 的调用（60020）",
            f"把 {address} 加进{CHANNEL_NAMES[app_id]}的“企业可信IP”，约一分钟后生效；两个列表各加各的",
            f"{_PAGES[app_id]} → 企业可信IP",
        )
    except WecomError as error:
        return failed(str(error))
    return ok(f"{CHANNEL_NAMES[app_id]}的调用从这台机器被接受")


def _unless_untrusted(error: WecomError, page: str) -> Finding:
    if isinstance(error, WecomRefused) and error.errcode == NOT_TRUSTED:
        return skipped("企业微信不接受来自这个 IP 的调用（60020），先看下面的“企业可信IP”")
    return _explained(error, page)


def _explained(error: WecomError, page: str) -> Finding:
    if isinstance(error, WecomRefused):
        return failed(f"{error.meaning_zh}（{error.path}，错误码 {error.errcode}）", error.cure_zh, page)
    return failed(str(error))
