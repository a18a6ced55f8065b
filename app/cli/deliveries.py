"""deliveries list | resolve | retry."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlmodel import col

from app.bootstrap import Services
from app.cli.keys import OPERATOR
from app.cli.session import JsonOption, out, run_with_services, show
from app.database import transaction
from app.delivery import service
from app.ledger import queries
from app.ledger import service as ledger
from models.delivery import CallKind, CallState, OutgoingCall
from models.ids import LARGEST_NUMBER

app = typer.Typer(help="外发消息与调用：列出不明的、人工确认、重发。", no_args_is_help=True)

MOST_HOURS = 24 * 3_650
"""Ten years, as the durations among the settings: so far back there is a date."""

COLUMNS = ("id", "kind", "purpose", "state", "attempts", "sent_at", "error")


@app.command("list")
def list_calls(
    state: Annotated[CallState | None, typer.Option(help="调用的状态；不填则列出等人确认的。")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """列出外发调用，默认列出等人确认的：结果不明的，以及人工确认失败之后又表明已经生效的。"""

    async def act(services: Services) -> list[dict[str, Any]]:
        async with services.sessions() as session:
            wanted = (
                queries.listed_calls(state=state, purpose=None, kind=None) if state else queries.calls_for_a_person()
            )
            rows = await session.scalars(wanted.order_by(col(OutgoingCall.id).desc()).limit(limit))
            return [
                {name: getattr(row, name) for name in COLUMNS} | {"kind": row.kind.value, "state": row.state.value}
                for row in rows
            ]

    show(run_with_services(act), as_json=as_json, title="外发调用", columns=COLUMNS)


@app.command()
def retry(  # noqa: PLR0913 -- options of a command
    delivery_ids: Annotated[
        list[int] | None, typer.Argument(help="投递记录的编号，可以多个；不填则按条件选取。", min=1, max=LARGEST_NUMBER)
    ] = None,
    *,
    state: Annotated[
        service.Ended, typer.Option(help="失败的，或结果不明的（不明的可能重复送达）。")
    ] = service.Ended.FAILED,
    kind: Annotated[CallKind | None, typer.Option(help="只选这种调用，如 appchat/send。")] = None,
    purpose: Annotated[str | None, typer.Option(help="只选这种用途，如 announcement.card。")] = None,
    errcode: Annotated[
        int | None, typer.Option(help="只选企业微信以这个错误码拒绝的。", min=-LARGEST_NUMBER, max=LARGEST_NUMBER)
    ] = None,
    hours: Annotated[float | None, typer.Option(min=0, max=MOST_HOURS, help="只选最近几小时内结束的。")] = None,
    about: Annotated[str | None, typer.Option(help="只选属于它的，如 announcement:ID、group:ID。")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="真正重发；不加则只预览。")] = False,
    as_json: JsonOption = False,
) -> None:
    """重发失败或不明的投递、群消息和卡片更新。给出编号时立即重发；按条件选取时先预览，加 --yes 才重发。"""
    if delivery_ids:
        _retry_these(delivery_ids)
        return
    belongs_to = None
    if about is not None:
        about_kind, _, about_id = about.partition(":")
        if not about_id:
            raise typer.BadParameter("写成 announcement:ID 或 group:ID", param_hint="--about")
        belongs_to = (about_kind, about_id)

    async def act(services: Services) -> service.Found:
        now = services.clock.now()
        since = now - timedelta(hours=hours) if hours is not None else None
        selection = service.Selection(state, kind, purpose, errcode, since, None, belongs_to)
        async with transaction(services.sessions) as session:
            if not yes:
                return await service.preview(session, selection)
            return await service.retry_selected(session, selection, actor=OPERATOR, now=now)

    found = run_with_services(act)
    rows = [{"reason": reason, "count": count} for reason, count in found.reasons.items()]
    title = f"已安排重发 {found.retried} 条，略过 {found.passed_over} 条" if yes else "将重发（加 --yes 执行）"
    show(rows, as_json=as_json, title=title, columns=("reason", "count"))


def _retry_these(delivery_ids: list[int]) -> None:
    async def act(services: Services) -> None:
        async with transaction(services.sessions) as session:
            for delivery_id in delivery_ids:
                await service.retry_delivery(session, delivery_id=delivery_id, actor=OPERATOR, now=services.clock.now())

    run_with_services(act)
    out.print(f"已安排重发 {len(delivery_ids)} 条")


@app.command()
def resolve(
    call_id: Annotated[UUID, typer.Argument(help="外发调用的 id。")],
    as_: Annotated[ledger.Resolution, typer.Option("--as", help="人工确认的结果。")],
) -> None:
    """为结果不明的调用记下人工确认的结果；确认失败之后又生效的，核对后用 --as done 了结。"""

    async def act(services: Services) -> None:
        async with transaction(services.sessions) as session:
            await ledger.resolve_call(
                session, call_id=call_id, resolution=as_, actor=OPERATOR, now=services.clock.now()
            )

    run_with_services(act)
    out.print("已记录")
