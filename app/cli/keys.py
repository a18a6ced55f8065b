"""api-key create | list | act-as | end."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

import typer

from app.access import service as keys
from app.audit.actor import Actor, ActorKind
from app.bootstrap import REGISTRY, Services
from app.cli.session import JsonOption, out, run_with_services, show
from app.database import transaction
from app.web.scopes import ANYBODY, NOBODY, ActsFor, scopes_of
from models.access import ActAs

app = typer.Typer(help="接口密钥。", no_args_is_help=True)

OPERATOR = Actor(ActorKind.OPERATOR, "cli")

ACT_AS = ("act_as", "act_as_departments")

ActAsOption = Annotated[
    list[str],
    typer.Option(
        "--act-as",
        help="可以代谁办理：nobody 不代任何人，anybody 任何人，或部门编号，指其中及下级的人，可重复。",
    ),
]


def acts_for(given: list[str]) -> ActsFor:
    """What `--act-as` says: one word, or numbers of departments."""
    words = {ActAs.NOBODY.value: NOBODY, ActAs.ANYBODY.value: ANYBODY}
    if len(given) == 1 and given[0] in words:
        return words[given[0]]
    if not given or not all(re.fullmatch(r"[1-9]\d{0,18}", one, re.ASCII) for one in given):
        raise typer.BadParameter("写 nobody、anybody，或部门编号", param_hint="--act-as")
    return ActsFor(ActAs.DEPARTMENTS, tuple(int(one) for one in given))


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="给谁用，例如 报表系统。")],
    scope: Annotated[list[str], typer.Option("--scope", help=f"权限范围，可重复：{', '.join(scopes_of(REGISTRY))}")],
    act_as: ActAsOption = ["nobody"],  # noqa: B006 -- typer's default of an option that repeats
    as_json: JsonOption = False,
) -> None:
    """新建一个接口密钥；密钥只显示这一次。"""
    given = acts_for(act_as)

    async def act(services: Services) -> dict[str, Any]:
        async with transaction(services.sessions) as session:
            row, key = await keys.create_key(
                session, name=name, scopes=scope, acts_for=given, actor=OPERATOR, now=services.clock.now()
            )
        return {**row.model_dump(mode="json", include={"id", "name", "scopes", *ACT_AS}), "key": key}

    created = run_with_services(act)
    if as_json:
        out.print_json(data=created)
    else:
        out.print(f"密钥（只显示这一次）：{created['key']}", highlight=False, soft_wrap=True)


@app.command("list")
def list_keys(as_json: JsonOption = False) -> None:
    """列出全部密钥(不含密钥本身)。"""
    columns = ("id", "name", "prefix", "scopes", *ACT_AS, "last_used_at", "ended_at")

    async def act(services: Services) -> list[dict[str, Any]]:
        async with transaction(services.sessions) as session:
            return [row.model_dump(include={*columns, "created_at"}) for row in await keys.list_keys(session)]

    show(run_with_services(act), as_json=as_json, title="接口密钥", columns=columns)


@app.command("act-as")
def act_as(
    key_id: Annotated[UUID, typer.Argument(help="密钥的 id。")],
    whom: Annotated[list[str], typer.Argument(help="nobody、anybody，或部门编号。")],
) -> None:
    """改定一个密钥可以代谁办理。"""
    given = acts_for(whom)

    async def act(services: Services) -> None:
        async with transaction(services.sessions) as session:
            await keys.let_act_for(session, key_id=key_id, acts_for=given, actor=OPERATOR, now=services.clock.now())

    run_with_services(act)
    out.print("已改")


@app.command()
def end(key_id: Annotated[UUID, typer.Argument(help="密钥的 id。")]) -> None:
    """停用一个密钥。"""

    async def act(services: Services) -> None:
        async with transaction(services.sessions) as session:
            await keys.end_key(session, key_id=key_id, actor=OPERATOR, now=services.clock.now())

    run_with_services(act)
    out.print("已停用")
