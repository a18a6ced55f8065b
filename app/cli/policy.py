"""policy check | diff | apply | clauses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from app.bootstrap import Services
from app.cli.keys import OPERATOR
from app.cli.session import CONFIGURATION_FAULT, JsonOption, err, fail, out, run_with_services, show
from app.database import transaction
from app.policy import service as policies
from app.policy.errors import FaultyPolicy
from app.policy.schema import PolicyDocument
from app.policy.service import Clause, Fault, Preview
from app.quotes import quoted

app = typer.Typer(help="制度：检查、比较、启用。", no_args_is_help=True)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="制度文件 (YAML)。")]


@app.command()
def check(
    file: File,
    organisation: Annotated[
        bool, typer.Option("--organisation", help="同时核对通讯录：哪些角色没有人担任、哪些由太多人担任；需要数据库。")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """检查一个制度文件，一次列出全部问题；不加 --organisation 时不需要数据库。"""
    source = read_policy(file)
    faults = policies.check(source)
    previewed = run_with_services(_previewed(source)) if organisation and not faults else Preview(faults, [], [])
    cautions = previewed.cautions
    _show_faults([*faults, *cautions], as_json=as_json, more=previewed.more_cautions)
    if faults:
        raise typer.Exit(1)
    if not as_json:
        out.print("制度文件没有问题" if not cautions else "制度文件可以启用，以上各处请先处理")
        if not organisation:
            out.print("未核对角色由谁担任：加 --organisation（需要数据库）", style="dim")


@app.command()
def diff(file: File, as_json: JsonOption = False) -> None:
    """与现行制度比较，逐条列出变化。"""
    source = read_policy(file)
    previewed = run_with_services(_previewed(source))
    if previewed.faults:
        _show_faults(previewed.faults, as_json=as_json)
        raise typer.Exit(1)
    if not as_json:
        _show_faults(previewed.cautions, as_json=False, more=previewed.more_cautions)
    rows = [
        {"位置": change.path, "现行": change.before, "新": change.after, "条款": ", ".join(change.rule_keys)}
        for change in previewed.changes
    ]
    show(
        rows,
        as_json=as_json,
        title=f"{len(rows) + previewed.more_changes} 处变化",
        columns=("位置", "现行", "新", "条款"),
    )


@app.command()
def apply(
    file: File,
    effective: Annotated[
        datetime | None, typer.Option(help="生效时间，如 2026-12-01T09:00（公司所在时区）；不填立即生效。")
    ] = None,
) -> None:
    """启用一个制度文件，成为新的版本。"""
    source = read_policy(file)

    async def act(services: Services) -> str:
        async with transaction(services.sessions) as session:
            row = await policies.apply(
                session,
                source=source,
                effective_at=_in_zone(effective, services.settings.zone) if effective else None,
                now=services.clock.now(),
                actor=OPERATOR,
            )
            effective_at = row.effective_at.astimezone(services.settings.zone)
            return f"第 {row.number} 版{quoted(row.title)}，生效时间 {effective_at:%Y-%m-%d %H:%M}"

    out.print(run_with_services(act), highlight=False)


@app.command()
def clauses(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="制度文件 (YAML)；不填为现行制度。"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """每一条怎样落实：系统执行、以别的办法代替、人工办理、尚未实现。"""
    document = policies.parse(read_policy(file)) if file else run_with_services(_document_in_force)
    rows = [_shown(clause) for clause in policies.clauses(document)]
    show(rows, as_json=as_json, title=f"{document.title}：{len(rows)} 条", columns=("条", "系统规则", "怎样落实"))


def _previewed(source: str) -> Callable[[Services], Awaitable[Preview]]:
    async def act(services: Services) -> Preview:
        async with services.sessions() as session:
            return await policies.preview(session, source=source, now=services.clock.now())

    return act


async def _document_in_force(services: Services) -> PolicyDocument:
    async with services.sessions() as session:
        return (await policies.in_force(session, now=services.clock.now())).document


def _shown(clause: Clause) -> dict[str, str]:
    manners = {"enforced": "系统执行", "substituted": "代替", "by_hand": "人工", "not_yet": "尚未实现"}
    parts = clause.carried_out.model_dump(exclude_none=True) if clause.carried_out else {}
    return {
        "条": clause.clause,
        "条文": clause.text,
        "系统规则": "、".join(rule.chinese for rule in clause.rule_words),
        "怎样落实": "\n".join(f"{manners[name]}：{text}" for name, text in parts.items()) or "（这一版没有写明）",
    }


def read_policy(file: Path) -> str:
    """Exits 2 when the file cannot be read as text."""
    try:
        return policies.source_of(file)
    except FaultyPolicy as error:
        fail(str(error), CONFIGURATION_FAULT)


def _in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    """A time without an offset is the company's, wherever the command runs."""
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _show_faults(faults: list[Fault], *, as_json: bool, more: int = 0) -> None:
    if as_json:
        out.print_json(data=[{"path": fault.path, "message": fault.message} for fault in faults])
        return
    for number, fault in enumerate(faults, 1):
        err.print(f"{number}. {fault}", style="red", highlight=False, markup=False, soft_wrap=True)
    if more:
        err.print(f"另有 {more} 处", style="red", highlight=False)
