"""demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.demo.show import show_everything

SMALLEST, LARGEST = 60, 200_000


def demo(
    once: Annotated[bool, typer.Option("--once", help="故事讲完即退出；有一步不成立则返回非零。")] = False,
    people: Annotated[int, typer.Option(help="沙箱公司的人数。", min=SMALLEST, max=LARGEST)] = 300,
    data_dir: Annotated[Path, typer.Option(help="内置数据库与日志的目录。")] = Path("var/demo"),
) -> None:
    """在本机演示全部：内置数据库、沙箱(模拟企业微信)和服务，边发生边讲。"""
    raise typer.Exit(show_everything(once=once, people=people, data_dir=data_dir))
