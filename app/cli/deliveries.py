"""deliveries unknown | resolve | retry."""

from __future__ import annotations

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
from models.delivery import CallState, OutgoingCall

app = typer.Typer(help="外发消息与调用：列出不明的、人工确认、重发。", no_args_is_help=True)

COLUMNS = ("id", "kind", "purpose", "state", "attempts", "sent_at", "error")


@app.command("list")
def list_calls(
    state: Annotated[CallState, typer.Option(help="调用的状态。")] = CallState.UNKNOWN,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """列出某种状态的外发调用，默认列出结果不明、等人确认的。"""

    async def act(services: Services) -> list[dict[str, Any]]:
        async with services.sessions() as session:
            wanted = queries.listed_calls(state=state, purpose=None, kind=None)
            rows = await session.scalars(wanted.order_by(col(OutgoingCall.id).desc()).limit(limit))
            return [
                {name: getattr(row, name) for name in COLUMNS} | {"kind": row.kind.value, "state": row.state.value}
                for row in rows
            ]

    show(run_with_services(act), as_json=as_json, title="外发调用", columns=COLUMNS)


@app.command()
def retry(delivery_ids: Annotated[list[int], typer.Argument(help="投递记录的编号，可以多个。")]) -> None:
    """把失败或不明的投递重发给这一位接收人；不明的可能重复送达。"""

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
    """为结果不明的调用记下人工确认的结果。"""

    async def act(services: Services) -> None:
        async with transaction(services.sessions) as session:
            await ledger.resolve_call(
                session, call_id=call_id, resolution=as_, actor=OPERATOR, now=services.clock.now()
            )

    run_with_services(act)
    out.print("已记录")
