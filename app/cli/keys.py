"""api-key create | list | end."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from app.access import service as keys
from app.audit.actor import Actor, ActorKind
from app.bootstrap import REGISTRY, Services
from app.cli.session import JsonOption, out, run_with_services, show
from app.database import transaction
from app.web.scopes import scopes_of

app = typer.Typer(help="接口密钥。", no_args_is_help=True)

OPERATOR = Actor(ActorKind.OPERATOR, "cli")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="给谁用，例如 报表系统。")],
    scope: Annotated[list[str], typer.Option("--scope", help=f"权限范围，可重复：{', '.join(scopes_of(REGISTRY))}")],
    as_json: JsonOption = False,
) -> None:
    """新建一个接口密钥；密钥只显示这一次。"""

    async def act(services: Services) -> dict[str, Any]:
        async with transaction(services.sessions) as session:
            row, key = await keys.create_key(session, name=name, scopes=scope, actor=OPERATOR, now=services.clock.now())
        return {"id": str(row.id), "name": row.name, "scopes": row.scopes, "key": key}

    created = run_with_services(act)
    if as_json:
        out.print_json(data=created)
    else:
        out.print(f"密钥（只显示这一次）：{created['key']}", highlight=False, soft_wrap=True)


@app.command("list")
def list_keys(as_json: JsonOption = False) -> None:
    """列出全部密钥(不含密钥本身)。"""

    async def act(services: Services) -> list[dict[str, Any]]:
        async with transaction(services.sessions) as session:
            return [
                row.model_dump(include={"id", "name", "prefix", "scopes", "created_at", "last_used_at", "ended_at"})
                for row in await keys.list_keys(session)
            ]

    columns = ("id", "name", "prefix", "scopes", "last_used_at", "ended_at")
    show(run_with_services(act), as_json=as_json, title="接口密钥", columns=columns)


@app.command()
def end(key_id: Annotated[UUID, typer.Argument(help="密钥的 id。")]) -> None:
    """停用一个密钥。"""

    async def act(services: Services) -> None:
        async with transaction(services.sessions) as session:
            await keys.end_key(session, key_id=key_id, actor=OPERATOR, now=services.clock.now())

    run_with_services(act)
    out.print("已停用")
