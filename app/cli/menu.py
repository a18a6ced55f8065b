"""menu: set the menu of the app here and now, or look how it differs."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from app.bootstrap import Services
from app.cli.keys import OPERATOR
from app.cli.session import FAILURE, JsonOption, fail, out, run_with_services, show
from app.database import transaction
from app.ledger import service as ledger
from app.ledger.service import MAKE_CALL, CallPayload
from app.menu import service
from app.wecom.errors import WecomError
from app.wecom.message_bodies.menu import Menu
from models.delivery import CallState, OutgoingCall

COLUMNS: Final = ("entry", "wanted", "shown")

_NO_ADDRESS: Final = "STEWARD_PUBLIC_URL: 没有填，菜单没有可以打开的地址 (the menu needs the public address)"
_ON_ITS_WAY: Final = frozenset({CallState.READY, CallState.HELD, CallState.SENDING})


def menu(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只比较平台上的菜单与应有的菜单，不设置。")] = False,
    as_json: JsonOption = False,
) -> None:
    """把企业微信里的应用菜单设置为本服务的菜单；启动时也会设置。"""
    if dry_run:
        show(run_with_services(_compare), as_json=as_json, title="应用菜单", columns=COLUMNS)
        return
    call = run_with_services(_set)
    if call.state is CallState.DONE:
        out.print("应用菜单已设置；成员重新打开应用后可见")
    elif call.state in _ON_ITS_WAY:
        out.print(f"已记入外发调用 {call.id}，还没有完成：{call.error or call.hold_reason or '等待处理'}", markup=False)
    else:
        fail(f"企业微信没有接受菜单：{call.error}", FAILURE)


async def _wanted(services: Services) -> Menu:
    async with services.sessions() as session:
        wanted = service.wanted(session)
    if wanted is None:
        fail(_NO_ADDRESS, FAILURE)
    return wanted


async def _compare(services: Services) -> list[dict[str, Any]]:
    wanted = dict((await _wanted(services)).lines)
    try:
        shown = dict((await services.platform.app.get_menu()).lines)
    except WecomError as error:
        fail(f"没有读到平台上的菜单：{error}", FAILURE)
    return [
        {"entry": entry, "wanted": wanted.get(entry, ""), "shown": shown.get(entry, "")}
        for entry in dict.fromkeys([*wanted, *shown])
    ]


async def _set(services: Services) -> OutgoingCall:
    """The call is in the ledger first. It is made here unless a worker has it already."""
    wanted = await _wanted(services)
    async with transaction(services.sessions) as session:
        call = await service.set_menu(session, wanted, actor=OPERATOR, now=services.clock.now())
    make_call, payload = services.registry.jobs[MAKE_CALL.name], CallPayload(call_id=call.id)
    await make_call(services.job_context, payload.model_dump(mode="json"))
    async with services.sessions() as session:
        return await ledger.read_call(session, call_id=call.id)
