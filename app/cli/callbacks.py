"""callbacks list | show | replay | gaps | refusals."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlmodel import col

from app.bootstrap import Services
from app.cli.keys import OPERATOR
from app.cli.session import JsonOption, out, run_with_services, show
from app.database import transaction
from app.inbox import queries, service
from models.ids import LARGEST_NUMBER, EventId
from models.inbox import EventState, ReceivedEvent
from models.intake import CallbackGap, CallbackRefusal

app = typer.Typer(help="收到的回调：列出、查看、重放。", no_args_is_help=True)

COLUMNS = ("id", "event_type", "subject", "state", "attempts", "repeats", "received_at", "last_error")
GAPS = ("id", "reason", "started_at", "ended_at", "not_stored", "stored_late", "closed_at", "closed_by", "server")
REFUSALS = ("channel", "reason", "disagrees", "caller", "times", "last_at", "explanation")


@app.command("list")
def list_callbacks(
    state: Annotated[EventState | None, typer.Option(help="只看某种状态。")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="只看某种事件。")] = None,
    subject: Annotated[str | None, typer.Option(help="只看某个主体，如 user:zhangsan。")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """列出收到的回调，最新的在前。"""

    async def act(services: Services) -> list[dict[str, Any]]:
        async with services.sessions() as session:
            rows = await queries.newest(session, state=state, event_type=event_type, subject=subject, limit=limit)
            return [_row(row) for row in rows]

    show(run_with_services(act), as_json=as_json, title="收到的回调", columns=COLUMNS)


@app.command("show")
def show_callback(event_id: Annotated[int, typer.Argument(help="回调的编号。", min=1, max=LARGEST_NUMBER)]) -> None:
    """查看一个回调的全部，包括解密后的内容。"""

    async def act(services: Services) -> dict[str, Any]:
        async with services.sessions() as session:
            row = await service.get(session, event_id=EventId(event_id))
            body = row.body.decode("utf-8", "replace") if row.body else "（已按保留期清除）"
            return _row(row) | {"body": body}

    for name, value in run_with_services(act).items():
        out.print(f"{name}: {value}", highlight=False, markup=False)


@app.command()
def replay(
    event_ids: Annotated[list[int], typer.Argument(help="要重放的编号，可以多个。", min=1, max=LARGEST_NUMBER)],
) -> None:
    """让回调重新处理一次；正在运行的服务会马上接手。"""

    async def act(services: Services) -> None:
        async with transaction(services.sessions) as session:
            for event_id in event_ids:
                await service.replay(session, event_id=EventId(event_id), actor=OPERATOR, now=services.clock.now())

    run_with_services(act)
    out.print(f"已安排重放 {len(event_ids)} 个回调")


@app.command()
def gaps(
    is_open: Annotated[bool, typer.Option("--open", help="只看尚未对账的。")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """列出可能丢失回调的时段：数据库不可用，或没有进程在接收。之后的全量同步成功即自动关闭。"""

    async def act(services: Services) -> list[dict[str, Any]]:
        statement = queries.gaps(is_open=True if is_open else None).order_by(col(CallbackGap.id).desc()).limit(limit)
        async with services.sessions() as session:
            return [{name: getattr(row, name) for name in GAPS} for row in await session.scalars(statement)]

    show(run_with_services(act), as_json=as_json, title="可能丢失回调的时段", columns=GAPS)


@app.command()
def refusals(
    channel: Annotated[str | None, typer.Option(help="只看某个地址：app、contacts、unknown。")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """列出被拒绝的回调请求：谁、为什么、怎么办。"""

    async def act(services: Services) -> list[dict[str, Any]]:
        latest = col(CallbackRefusal.last_at).desc()
        statement = queries.refusals(channel=channel).order_by(latest).limit(limit)
        async with services.sessions() as session:
            return [_refusal(row) for row in await session.scalars(statement)]

    show(run_with_services(act), as_json=as_json, title="被拒绝的回调请求", columns=REFUSALS)


def _refusal(row: CallbackRefusal) -> dict[str, Any]:
    told = {"explanation": service.explain_refusal(row.reason, row.disagrees)}
    return {name: getattr(row, name) for name in REFUSALS if name != "explanation"} | told


def _row(row: ReceivedEvent) -> dict[str, Any]:
    return {column: getattr(row, column) for column in COLUMNS} | {"state": row.state.value}
