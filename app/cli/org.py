"""sync: run it here and now, look at it, release or reject what it holds back."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from app.bootstrap import Services
from app.cli.keys import OPERATOR
from app.cli.session import JsonOption, err, out, run_with_services
from app.database import transaction
from app.sync import queries, service
from app.sync.service import StagedCounts, SyncReport
from models.ids import SyncRunId
from models.org import SyncRun, SyncState

LOOKS_PER_SECOND = 4
HELD_CODE = 4
NAMES_SHOWN = 20

STATES = {
    SyncState.RUNNING: "同步进行中",
    SyncState.DONE: "同步完成",
    SyncState.HELD: "同步完成，减员被扣留",
    SyncState.RELEASED: "扣留的减员已放行",
    SyncState.REJECTED: "扣留的减员已丢弃",
    SyncState.FAILED: "同步失败",
}
KINDS = {"people": "人员", "departments": "部门", "memberships": "部门归属", "tags": "标签", "examples": "例子"}
CHANGES = {
    "created": "新增",
    "updated": "变更",
    "renamed": "改名",
    "moved": "调动",
    "activated": "激活",
    "deactivated": "变为未激活",
    "disabled": "禁用",
    "enabled": "恢复启用",
    "invisible": "变为不可见",
    "visible": "恢复可见",
    "missing": "缺失（待下次确认）",
    "returned": "回来",
    "left": "离开",
    "rejoined": "重新加入",
    "unplaced": "不在任何部门",
    "ended": "撤销",
}
SECTIONS = {"changes": "变化", "held": "扣留", "orphans": "无主", "bad_rows": "坏数据", "repaired": "修复的文字"}


def sync(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只比较，列出会变化的人和部门，不写入。")] = False,
    release: Annotated[
        UUID | None, typer.Option(help="放行这次同步扣留的减员；其中只是没有读到的人也立即当作离职。")
    ] = None,
    reject: Annotated[UUID | None, typer.Option(help="丢弃这次同步扣留的减员。")] = None,
    as_json: JsonOption = False,
) -> None:
    """与企业微信通讯录对账一次。有减员被扣留时返回 4,失败返回 1。"""
    if release or reject:
        run = run_with_services(lambda services: _decide(services, release, reject))
    else:
        run = run_with_services(lambda services: _run(services, dry_run=dry_run, quiet=as_json))
    _show(run, as_json=as_json)
    if run.state is SyncState.FAILED:
        raise typer.Exit(1)
    if run.state is SyncState.HELD:
        raise typer.Exit(HELD_CODE)


async def _decide(services: Services, release: UUID | None, reject: UUID | None) -> SyncRun:
    now = services.clock.now()
    async with transaction(services.sessions) as session:
        if release is not None:
            return await service.release(session, run_id=SyncRunId(release), actor=OPERATOR, now=now)
        assert reject is not None  # `sync` calls this with one of the two
        return await service.reject(session, run_id=SyncRunId(reject), actor=OPERATOR, now=now)


async def _run(services: Services, *, dry_run: bool, quiet: bool) -> SyncRun:
    async with transaction(services.sessions) as session:
        run = await service.request(session, reason="cli", now=services.clock.now(), dry_run=dry_run, queue=False)
    working = asyncio.create_task(
        service.run_sync(services.sessions, services.platform, services.clock, run_id=run.id), name="sync"
    )
    if not quiet:
        await _follow(services, run.id, working)
    await working
    return await _read(services, run.id)


async def _follow(services: Services, run_id: UUID, working: asyncio.Task[Any]) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        bar = progress.add_task("通讯录对账", total=None)
        while not working.done():
            run = await _read(services, run_id)
            progress.update(
                bar, description=run.phase or "通讯录对账", completed=run.fetched, total=run.expected or None
            )
            await asyncio.wait({working}, timeout=1 / LOOKS_PER_SECOND)


async def _read(services: Services, run_id: UUID) -> SyncRun:
    async with services.sessions() as session:
        run = await queries.sync_run(session, run_id)
    assert run is not None  # runs are never deleted
    return run


def _show(run: SyncRun, *, as_json: bool) -> None:
    if as_json:
        out.print_json(data=run.model_dump(mode="json"))
        return
    out.print(f"{STATES[run.state]}{'（演练，未写入）' if run.dry_run else ''}  {run.id}", highlight=False)
    report = SyncReport.of(run)
    staged = report.staged or StagedCounts(people=0, departments=0)
    out.print(f"  读到 {staged.read} 人、{staged.departments} 个部门", highlight=False)
    for kind, changes in run.counts.items():
        said = "，".join(f"{CHANGES.get(change, change)} {count}" for change, count in changes.items() if count)
        out.print(f"  {KINDS.get(kind, kind)}：{said or '没有变化'}", highlight=False)
    for sentence in report.explanations:
        out.print(f"  · {sentence}", highlight=False, markup=False)
    sections = report.dump()
    for section, title in SECTIONS.items():
        _show_names(title, sections.get(section))
    if run.state is SyncState.HELD:
        err.print(
            f"减员超出预算，已扣留。放行：steward sync --release {run.id}；丢弃：steward sync --reject {run.id}",
            soft_wrap=True,
        )


def _show_names(title: str, found: Any) -> None:
    """A section of the report: a list of names or sentences per kind of object."""
    for kind, lines in (found or {}).items():
        if not isinstance(lines, list) or not lines:
            continue
        out.print(f"{title} · {KINDS.get(kind, kind)}", highlight=False)
        for line in lines[:NAMES_SHOWN]:
            out.print(f"  - {_line(line)}", highlight=False, markup=False)
        if len(lines) > NAMES_SHOWN:
            out.print(f"  … 共 {len(lines)} 项，全部见 --json")


def _line(line: Any) -> str:
    if not isinstance(line, dict):
        return str(line)
    words = [CHANGES.get(str(value), str(value)) for value in line.values() if value not in (None, "", [])]
    return " ".join(words)
