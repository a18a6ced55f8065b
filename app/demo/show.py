"""Start everything, tell the story, keep serving."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from app.demo.cast import head_of_personnel
from app.demo.processes import Addresses, DidNotStart, demo_database, sandbox_process, service_process
from app.demo.stage import Stage, StoryBroken
from app.demo.story import tell_story
from app.embedded import EmbeddedPostgresError
from app.quotes import quoted


def show_everything(*, once: bool, people: int, data_dir: Path) -> int:
    """Returns the exit code: 0 when every step was true."""
    console = Console()
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with console.status("启动内置 PostgreSQL …") as status, demo_database(data_dir) as database_url:
            status.update(f"启动沙箱，生成 {people} 人的公司 …")
            with sandbox_process(people, data_dir) as sandbox:
                status.update("启动企微管家 …")
                with service_process(database_url, sandbox, data_dir) as addresses:
                    status.stop()
                    return _perform(addresses, console, once=once, app=sandbox["STEWARD_WECOM_AGENT_ID"])
    except (DidNotStart, EmbeddedPostgresError) as error:
        console.print(f"[red]没有启动[/red]: {error}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130


def _perform(addresses: Addresses, console: Console, *, once: bool, app: str) -> int:
    try:
        players = asyncio.run(_tell(addresses, console))
    except StoryBroken as broken:
        console.print(f"\n  [red]✗ 这一步不成立[/red]: {broken}", highlight=False, soft_wrap=True)
        return 1
    _print_ways(addresses, console, players, app)
    _print_addresses(addresses, console, players)
    if once:
        return 0
    console.print("\n服务继续运行，按 Ctrl-C 结束。")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


@dataclass(frozen=True)
class Players:
    """Who is at hand for those who go on by themselves."""

    userid: str
    employee: str
    """Their name. They have left the group, and may apply to come back."""
    personnel: str
    """The name of who heads personnel: the console shows them most."""
    administrator: str
    """The name of who runs the service: signed in by scanning, as anybody is."""


async def _tell(addresses: Addresses, console: Console) -> Players:
    async with Stage(addresses, console) as stage:
        cast = await tell_story(stage)
        userid = cast.team[-1]
        administrator = cast.team[0]
        await asyncio.to_thread(
            addresses.steward, "access", "grant", administrator, "administrator", "--reason", "演示"
        )
        names = [await stage.name_of(one) for one in (userid, administrator)]
        return Players(userid, names[0], await head_of_personnel(stage), names[1])


def _print_ways(addresses: Addresses, console: Console, players: Players, app: str) -> None:
    """Three ways on, by clicking alone."""
    phone = f"{addresses.sandbox}/phones/{players.userid}?c=app-{app}"
    console.print("\n[bold]接着自己走一遍（不需要密钥）[/bold]")
    scan = quoted(f"用{players.employee}的手机扫码")
    for line in (
        f"员工：打开 {players.employee} 的手机 {phone}",
        f"  点下方菜单“发起申请 → 加入群”，再点{scan}；选群、写理由，提交前看到由谁审批",
        f"  审批人在各自的手机上收到卡片：{addresses.sandbox}/phones",
        f"人力资源：打开 {addresses.service}/console，在扫码页上选 {players.personnel}",
        "  点“通知 → 写一则通知 → 看看会发给谁 → 发布”；员工在手机上点“收到”，回执页上的数字随之变化",
        f"系统管理员：打开 {addresses.service}/console，在扫码页上选 {players.administrator}",
        "  点“调用”看每一次发给企业微信的调用，点“诊断”看服务是否正常，点“制度 → 修改制度”看改动前要先看过",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)


def _print_addresses(addresses: Addresses, console: Console, players: Players) -> None:
    console.print("\n[bold]自己看看[/bold]")
    for name, url in (
        ("员工的手机", f"{addresses.sandbox}/phones"),
        ("员工页面", f"{addresses.service}/me（在扫码页上选一个人）"),
        ("管理台", f"{addresses.service}/console（在扫码页上选 {players.personnel}，人力资源部负责人）"),
        ("接口文档", f"{addresses.service}/docs"),
        ("监控指标", f"{addresses.service}/metrics"),
        ("就绪状态", f"{addresses.service}/readyz"),
        ("沙箱脚本接口", f"{addresses.sandbox}/sandbox/docs"),
    ):
        console.print(f"  {name:<8}\t{url}", highlight=False, soft_wrap=True)
    console.print(f"  接口密钥\t{addresses.api_key}", highlight=False, soft_wrap=True)
