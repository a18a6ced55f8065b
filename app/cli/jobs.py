"""jobs list | retry: background jobs that failed to the end, and deadlines that did."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.bootstrap import Services
from app.cli.session import JsonOption, out, run_with_services, show
from app.database import transaction
from app.jobs import held

app = typer.Typer(help="停下的后台作业与定时：列出、再试。", no_args_is_help=True)

COLUMNS = ("id", "name", "payload", "attempts", "since")


@app.command("list")
def list_jobs(as_json: JsonOption = False) -> None:
    """列出多次失败后停下的后台作业与定时。"""

    async def act(services: Services) -> list[dict[str, Any]]:
        async with services.sessions() as session:
            return await held.held_work(session)

    show(run_with_services(act), as_json=as_json, title="停下的作业与定时", columns=COLUMNS)


@app.command()
def retry(
    ids: Annotated[list[str] | None, typer.Argument(help="要再试的 id，可以多个；不写则全部。")] = None,
) -> None:
    """让停下的作业与定时再试；先用 `steward jobs list` 和日志弄清原因。"""

    async def act(services: Services) -> int:
        async with transaction(services.sessions) as session:
            return await held.try_again(session, ids=ids or None, now=services.clock.now())

    count = run_with_services(act)
    out.print(f"已安排再试 {count} 项")
    if ids and count < len(ids):
        raise typer.Exit(1)
