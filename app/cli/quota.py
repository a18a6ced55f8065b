"""quota [show] | set | lift | unblock: the platform's limits, and what we change in them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from app.bootstrap import Services
from app.cli.keys import OPERATOR
from app.cli.session import JsonOption, fail, out, run_with_services, show
from app.database import transaction
from app.limits.report import Use
from app.quota import service as quotas
from app.quotes import quoted

app = typer.Typer(help="平台限额：用量、预测、调整。", invoke_without_command=True)

COLUMNS = ("key", "title", "used", "allowed", "percent", "waiting", "full_at", "cleared_at", "note")

Key = Annotated[str, typer.Argument(help="限额的键，如 message.member.minute；用 `steward quota` 列出。")]

DEFAULT = "default"


@app.callback()
def quota(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """列出每项限额：已用、可用、等待中的调用与预计时间。"""
    if ctx.invoked_subcommand is None:
        _show(as_json=as_json)


@app.command("show")
def show_quota(as_json: JsonOption = False) -> None:
    """列出每项限额。"""
    _show(as_json=as_json)


@app.command("set")
def set_limit(
    key: Key,
    most: Annotated[str | None, typer.Option(help="平台给本企业的数值；default 恢复文档数值。")] = None,
    share: Annotated[str | None, typer.Option(help="本服务可用的份额，如 80%；default 恢复为全部。")] = None,
) -> None:
    """改一项限额，所有进程立即生效。"""
    changes: dict[str, Any] = {}
    if most is not None:
        changes["most"] = None if most == DEFAULT else _number(most)
    if share is not None:
        changes["share"] = None if share == DEFAULT else _share(share)
    if not changes:
        fail("请用 --most 或 --share 写明要改什么")
    _change(key, lambda _services: changes)
    out.print(f"已修改 {key}")


@app.command()
def lift(
    key: Key,
    minutes: Annotated[int, typer.Option("--minutes", min=0, max=60 * 24 * 30, help="多少分钟内不限；0 恢复。")] = 60,
) -> None:
    """在一段时间内照常计数但不限制；只用于没有限额的平台（沙箱、压测）。"""
    _change(
        key,
        lambda services: {"lifted_until": services.clock.now() + timedelta(minutes=minutes) if minutes else None},
    )
    out.print(f"{key} 在 {minutes} 分钟内不限" if minutes else f"{key} 已恢复")


@app.command()
def unblock(path: Annotated[str, typer.Argument(help="接口路径，如 message/send。")]) -> None:
    """已在企业微信“频率自助解封”后，让被暂停的接口立即恢复调用。"""

    async def act(services: Services) -> None:
        async with transaction(services.sessions) as session:
            await quotas.unblock_path(session, path=path, actor=OPERATOR, now=services.clock.now())

    run_with_services(act)
    out.print(f"已恢复 {path}")


def _show(*, as_json: bool) -> None:
    async def act(services: Services) -> list[dict[str, Any]]:
        async with services.sessions() as session:
            found = await quotas.report(session, now=services.clock.now())
        blocked = [
            {"key": block.path, "title": "被平台暂停", "note": f"{block.errcode}，至 {block.until:%Y-%m-%d %H:%M:%S}"}
            for block in found.blocked
        ]
        return [*blocked, *(_row(use) for use in found.limits)]

    show(run_with_services(act), as_json=as_json, title="平台限额", columns=COLUMNS)


def _row(use: Use) -> dict[str, Any]:
    number = use.number
    notes = [
        f"份额 {number.share:.0%}" if number.share < 1 else "",
        f"不限至 {number.lifted_until:%m-%d %H:%M}" if use.is_lifted and number.lifted_until else "",
        f"暂停至 {use.blocked_until:%H:%M:%S}" if use.blocked_until else "",
        f"按 {number.most // number.limit.most} 名成员计" if number.counted_at else "",
    ]
    return {
        "key": use.limit.key,
        "title": use.counter.title,
        "used": use.used,
        "allowed": number.allowed,
        "percent": use.percent,
        "waiting": use.waiting_calls,
        "full_at": use.full_at,
        "cleared_at": use.cleared_at,
        "note": "，".join(note for note in notes if note),
    }


def _change(key: str, changes: Any) -> None:
    async def act(services: Services) -> None:
        async with transaction(services.sessions) as session:
            await quotas.change_limit(
                session, key=key, changes=changes(services), actor=OPERATOR, now=services.clock.now()
            )

    run_with_services(act)


def _number(written: str) -> int:
    # Counted before it is read: Python reads no number of 5,000 digits.
    digits = written.lstrip("0") or "0"
    if (
        not (written.isascii() and written.isdigit())
        or len(digits) > len(str(quotas.LARGEST))
        or int(digits) > quotas.LARGEST
    ):
        fail(f"--most 要写 0 到 {quotas.LARGEST} 的整数，或 {DEFAULT}：{quoted(written[:40])}")
    return int(digits)


def _share(written: str) -> float:
    try:
        return float(written.removesuffix("%")) / 100 if written.endswith("%") else float(written)
    except ValueError:
        fail(f"不是份额：{written}")
