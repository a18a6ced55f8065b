"""audit verify."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.progress import Progress

from app.audit.verify import Verification, verify
from app.bootstrap import Services
from app.cli.session import FAILURE, JsonOption, err, out, run_with_services

app = typer.Typer(help="操作留痕：核对封印链。", no_args_is_help=True)

ExpectOption = Annotated[
    list[str] | None,
    typer.Option("--expect", help="以前核对时抄下的封印（“位置:封印”或封印），链里必须还有它；可以多个。"),
]


@app.callback()
def audit() -> None:
    """操作留痕：核对封印链。"""


@app.command("verify")
def verify_chain(expect: ExpectOption = None, as_json: JsonOption = False) -> None:
    """从头核对整条封印链：被改、被删、被加的行逐条列出，有一条就以 1 退出。末尾的封印请抄到别处保存。"""

    async def act(services: Services) -> Verification:
        with Progress(console=err, transient=True, disable=as_json or not err.is_terminal) as bar:
            task = bar.add_task("核对", total=None)
            return await verify(
                services.sessions,
                now=services.clock.now(),
                expected=expect or (),
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )

    found = run_with_services(act)
    if as_json:
        shown = asdict(found) | {"holds": found.holds}
        out.print_json(json.dumps(shown, ensure_ascii=False, default=str))
    else:
        _tell(found)
    if not found.holds:
        raise typer.Exit(FAILURE)


def _tell(found: Verification) -> None:
    for finding in found.findings:
        err.print(finding.says, style="red", highlight=False, markup=False, soft_wrap=True)
    if found.troubles > len(found.findings):
        err.print(f"……另有 {found.troubles - len(found.findings)} 处", style="red")
    verdict = "完整" if found.holds else f"有 {found.troubles} 处不符"
    out.print(f"核对 {found.checked} 行：{verdict}；尚未封印 {found.unsealed} 行", highlight=False)
    out.print(f"链的末尾：{found.head}", highlight=False, soft_wrap=True)
