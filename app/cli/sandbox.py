"""`steward sandbox …` is `python -m sandbox …`: a program of its own that imports nothing of ours."""

from __future__ import annotations

import os
import sys

import typer

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def sandbox(context: typer.Context) -> None:
    """启动沙箱：一个模拟企业微信平台与员工手机的独立程序(参数见 `steward sandbox --help`)。"""
    arguments = [sys.executable, "-m", "sandbox", *context.args]
    os.execv(sys.executable, arguments)  # noqa: S606 -- our own program, the caller's own arguments
