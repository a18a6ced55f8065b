"""doctor: is everything set up, and if not, which page to open."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.markup import escape

from app.cli.session import ENV_FILE, NO_DATABASE, JsonOption, err, out
from app.clock import SystemClock
from app.doctor.context import open_context
from app.doctor.examination import CHECKS, Check, examine
from app.doctor.findings import Finding, State
from app.embedded import EmbeddedPostgresError, exists, is_installed, running, termination_unwinds
from app.observability import configure_logging
from app.quotes import quoted
from app.settings import Settings, SettingsFaults, load_settings

_MARKS = {
    State.OK: "[green]✓[/green]",
    State.WARNING: "[yellow]![/yellow]",
    State.FAILED: "[red]✗[/red]",
    State.SKIPPED: "[dim]–[/dim]",
}


def doctor(as_json: JsonOption = False) -> None:
    """逐项检查：配置、时钟、数据库、Secret、可见范围、回调地址、企业可信IP……并说明该打开哪个页面。

    不改动任何东西。有一项不通过时退出码为 1。
    """
    try:
        settings = load_settings(os.environ, ENV_FILE)
    except SettingsFaults as error:
        _finish(_faulty(error, as_json=as_json), as_json=as_json)
        return
    configure_logging(settings.log_format, logging.ERROR)
    with _database(settings) as (url, reason):
        rows = asyncio.run(_examine(settings, url, reason, as_json=as_json))
    _finish(rows, as_json=as_json)


@contextmanager
def _database(settings: Settings) -> Iterator[tuple[str | None, str]]:
    """The database's URL, or why there is none. The embedded one is started as it is: neither made nor migrated."""
    if settings.database_url is not None:
        with termination_unwinds():
            yield settings.database_url.get_secret_value(), ""
    elif not is_installed():
        yield None, NO_DATABASE
    elif not exists(settings.data_dir):
        yield None, f"内置数据库还没有建立（{settings.data_dir}），服务第一次启动时会建立"
    else:
        try:
            with running(settings.data_dir) as server:
                yield server.url, ""
        except EmbeddedPostgresError as error:
            yield None, str(error)


async def _examine(settings: Settings, url: str | None, reason: str, *, as_json: bool) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    # What the service makes for itself at its first start is not missed before.
    is_needed = settings.database_url is not None or not is_installed() or exists(settings.data_dir)
    async with open_context(
        settings, url, no_database=reason, is_database_needed=is_needed, clock=SystemClock(), env_file=ENV_FILE
    ) as context:
        with err.status("") as status:

            def tell(check: Check) -> None:
                status.update(f"正在检查：{check.title}")

            async for check, finding in examine(context, on_start=tell):
                rows.append(_row(check, finding))
                if not as_json:
                    _show(check, finding)
    return rows


def _faulty(error: SettingsFaults, *, as_json: bool) -> list[dict[str, Any]]:
    first, *others = CHECKS
    findings = [(first, Finding(State.FAILED, _listed(error.faults), "改正后再运行 steward doctor"))]
    findings += [(check, Finding(State.SKIPPED, f"{quoted(first.title)}没有通过，先处理它")) for check in others]
    if not as_json:
        for check, finding in findings:
            _show(check, finding)
    return [_row(check, finding) for check, finding in findings]


def _listed(faults: Sequence[str]) -> str:
    if len(faults) == 1:
        return faults[0]
    return f"{len(faults)} 处问题\n" + "\n".join(f"    {number}. {fault}" for number, fault in enumerate(faults, 1))


def _row(check: Check, finding: Finding) -> dict[str, Any]:
    return {
        "check": check.name,
        "title": check.title,
        "state": finding.state.value,
        "says": finding.says,
        "do": finding.do,
        "page": finding.page,
    }


def _show(check: Check, finding: Finding) -> None:
    # Not wrapped: addresses and commands are there to be copied.
    out.print(f"{_MARKS[finding.state]} {check.title}：{escape(finding.says)}", highlight=False, soft_wrap=True)
    for label, text in (("怎么做", finding.do), ("打开", finding.page)):
        if text:
            out.print(f"    {label}：{escape(text)}", highlight=False, soft_wrap=True)


def _finish(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    count = {state: sum(row["state"] == state.value for row in rows) for state in State}
    if as_json:
        out.print_json(json.dumps({"ok": not count[State.FAILED], "checks": rows}, ensure_ascii=False))
    else:
        out.print(
            f"\n{count[State.OK]} 项通过，{count[State.WARNING]} 项提醒，{count[State.FAILED]} 项不通过，"
            f"{count[State.SKIPPED]} 项没有检查",
            highlight=False,
        )
    if count[State.FAILED]:
        raise typer.Exit(1)
