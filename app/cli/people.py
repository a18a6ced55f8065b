"""people: who came back under the userid of somebody who had left, and that it is them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.bootstrap import Services
from app.cli.keys import OPERATOR
from app.cli.session import JsonOption, out, run_with_services
from app.database import transaction
from app.org import queries, service
from app.org.service import Returner

app = typer.Typer(help="人员：离职后又出现的账号。", no_args_is_help=True)


@app.callback()
def people() -> None:
    """With one command alone, typer would leave its name out."""


@app.command()
def returned(
    link: Annotated[
        bool, typer.Option("--link", help="确认账号、姓名和部门都相同的就是原来的人，一次全部关联。")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """列出离职后又出现的账号；加 --link 一次关联其中完全相符的。"""
    found = run_with_services(_link if link else _look)
    if as_json:
        out.print_json(data=[_facts(one) for one in found])
        return
    out.print(f"已关联 {len(found)} 人，历史记录都归还本人。" if link else f"{len(found)} 个账号等待确认。")
    for one in found:
        out.print(f"  {_line(one, linked=link)}", highlight=False, markup=False)


async def _look(services: Services) -> list[Returner]:
    async with services.sessions() as session:
        return await service.compare_returners(session, (await session.scalars(queries.open_reviews())).all())


async def _link(services: Services) -> list[Returner]:
    async with transaction(services.sessions) as session:
        return await service.link_returners(session, userids=None, actor=OPERATOR, now=services.clock.now())


def _facts(one: Returner) -> dict[str, Any]:
    return {
        "userid": one.userid,
        "name": one.newcomer.name,
        "former_name": one.former.name,
        "shared_departments": one.shared_departments,
        "alike": one.is_alike,
    }


def _line(one: Returner, *, linked: bool) -> str:
    if linked:
        return f"{one.userid} {one.former.name}"
    if one.is_alike:
        return f"{one.userid} {one.newcomer.name}：账号、姓名和部门与离职前相同，--link 会关联"
    differs = "部门不同" if one.is_same_name else f"原来叫 {one.former.name}"
    return f"{one.userid} {one.newcomer.name}：{differs}，请逐个确认（POST /api/v1/members/{one.userid}/review）"
