"""access link | grant | revoke | list | explain: the first administrator, and who may do what and why."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated, Any
from uuid import UUID

import typer

from app import addresses
from app.access import service as access
from app.access.service import Wanted
from app.bootstrap import Services
from app.cli.keys import OPERATOR
from app.cli.session import JsonOption, out, run_with_services, show
from app.database import transaction
from app.org import service as org
from app.permissions import TITLES, Reach

app = typer.Typer(help="权限：第一位管理员、授权、谁可以做什么。", no_args_is_help=True)

UseridArgument = Annotated[str, typer.Argument(help="企业微信账号。")]


@app.command()
def link(userid: UseridArgument, as_json: JsonOption = False) -> None:
    """生成一次性登录链接，让此人成为第一位系统管理员；15 分钟内有效。"""

    async def act(services: Services) -> dict[str, Any]:
        async with transaction(services.sessions) as session:
            person = await org.person_named(session, userid)
            token = await access.create_link(session, person, actor=OPERATOR, now=services.clock.now())
            path = f"{addresses.SIGN_IN}/link/{token}"
            url = addresses.link(session, path) or f"http://{services.settings.listen}{path}"
            return {"name": person.name, "url": url}

    made = run_with_services(act)
    if as_json:
        out.print_json(data=made)
        return
    out.print(f"请 {made['name']} 在 15 分钟内用浏览器打开（只能用一次，不要转发）：", highlight=False)
    out.print(made["url"], highlight=False, soft_wrap=True)


@app.command()
def grant(
    userid: UseridArgument,
    bundle: Annotated[str, typer.Argument(help="权限组，例如 it、auditor、administrator；steward access list 列出。")],
    reason: Annotated[str, typer.Option("--reason", help="为什么授予；审计会看到。")],
    department: Annotated[
        int | None, typer.Option("--department", min=0, max=2**63 - 1, help="只在这个部门及其下级。")
    ] = None,
    group: Annotated[UUID | None, typer.Option("--group", help="只在这个群。")] = None,
    until: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="到哪一天为止。")] = None,
) -> None:
    """把一个权限组授予某人。"""
    if department is not None and group is not None:
        raise typer.BadParameter("--department 和 --group 只能写一个")
    reach, place = _place(department, group)

    async def act(services: Services) -> str:
        async with transaction(services.sessions) as session:
            person = await org.person_named(session, userid)
            ends_at = datetime.combine(until, time.max, tzinfo=services.settings.zone) if until else None
            wanted = Wanted(person, bundle, reason, reach, place, ends_at.astimezone(UTC) if ends_at else None)
            made = await access.grant(session, wanted, actor=OPERATOR, authority=None, now=services.clock.now())
        return str(made.id)

    out.print(f"已授予：{run_with_services(act)}", highlight=False)


def _place(department: int | None, group: UUID | None) -> tuple[Reach, str]:
    if department is not None:
        return Reach.DEPARTMENT, str(department)
    return (Reach.GROUP, str(group)) if group is not None else (Reach.COMPANY, "")


@app.command()
def revoke(grant_id: Annotated[UUID, typer.Argument(help="授权的 id，见 steward access list。")]) -> None:
    """收回一项授权，立即生效。"""

    async def act(services: Services) -> bool:
        now = services.clock.now()
        async with transaction(services.sessions) as session:
            left = (await access.loss_of(session, grant_id, now=now)).administrators
            await access.revoke(session, grant_id, actor=OPERATOR, authority=None, now=now)
        return left == []

    is_last = run_with_services(act)
    out.print("已收回")
    if is_last:
        out.print("现在没有人可以在全公司授权。请用 steward access link <账号> 指定新的系统管理员。", highlight=False)


@app.command("list")
def list_grants(as_json: JsonOption = False) -> None:
    """列出单独授予的权限。"""
    columns = ("id", "person", "bundle", "reach", "place", "reason", "granted_by", "ends_at")

    async def act(services: Services) -> list[dict[str, Any]]:
        async with transaction(services.sessions) as session:
            rows = await access.living_grants(session, now=services.clock.now())
            named = await org.named_people(session, {row.person_id for row in rows})
        return [
            row.model_dump(include={"id", "bundle", "reach", "place", "reason", "granted_by", "granted_at", "ends_at"})
            | {"person": named[row.person_id].userid}
            for row in rows
        ]

    show(run_with_services(act), as_json=as_json, title="授权", columns=columns)


@app.command()
def explain(userid: UseridArgument, as_json: JsonOption = False) -> None:
    """某人可以做什么，在多大范围内，因为什么。"""
    columns = ("bundle", "title", "where", "because", "permissions")

    async def act(services: Services) -> list[dict[str, Any]]:
        async with transaction(services.sessions) as session:
            person = await org.person_named(session, userid)
            authority = await access.authority_of(session, person, now=services.clock.now())
        return [
            {
                "bundle": holding.bundle,
                "title": holding.rule.title,
                "where": holding.rule.reach.value if holding.grant is None else holding.grant.reach,
                "because": f"因为{holding.said_of(person.name).chinese}",
                "permissions": [f"{one.value}（{TITLES[one].chinese}）" for one in holding.rule.permissions],
            }
            for holding in authority.holdings
        ]

    show(run_with_services(act), as_json=as_json, title=f"{userid} 的权限", columns=columns)
