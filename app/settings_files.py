"""The files that settings come from: `.env`, and one for each secret. Whatever they hold, a fault is a sentence."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Final

from dotenv.parser import parse_stream

LARGEST: Final = 65_536
"""No setting is longer; a device or a dump that was named by mistake is not read to its end."""

_AS_UTF8: Final = "用 UTF-8 编码重新保存 (save it as UTF-8)"


class FaultyFile(Exception):
    """Cannot be used as it is. The sentence never repeats what the file holds."""


def read_env_file(path: Path) -> tuple[dict[str, str], list[str]]:
    """What a `.env` file sets, and what is wrong with it. No file sets nothing."""
    if not os.path.lexists(path):
        return {}, []
    try:
        text = read_small_file(path)
    except FaultyFile as fault:
        return {}, [f"{path}: {fault}"]
    values, faults = {}, []
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            faults.append(f"{path}: 第 {binding.original.line} 行读不懂，应是 名称=值 (this line cannot be read)")
        elif binding.key is not None:
            values[binding.key] = binding.value or ""
    return values, faults


def read_small_file(path: Path, *, largest: int = LARGEST, instead_of: str = "配置") -> str:
    """The text of a file, without the mark that some editors put before it. Raises `FaultyFile`, also where the file is
    larger than `largest`, and then has read no further.
    """
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise FaultyFile(f"读不到文件 {shown(path)} ({reason})") from None
    if len(content) > largest:
        raise FaultyFile(f"文件 {shown(path)} 太大，不像是{instead_of} (more than {largest} bytes)")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FaultyFile(f"文件 {shown(path)} 不是 UTF-8 文本：{_AS_UTF8}") from None


def is_open_to_others(path: Path) -> bool:
    """Whether accounts beside the owner's may read the file: its group, or everybody."""
    try:
        return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


def shown(value: object) -> str:
    """Anything, as text that every terminal can print."""
    return str(value).encode("utf-8", "replace").decode().replace("\x00", "?")
