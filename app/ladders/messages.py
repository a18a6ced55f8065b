"""Several things in one message."""

from __future__ import annotations

from collections.abc import Sequence


def together(lines: Sequence[str], *, left_out: int = 0) -> str:
    """No numbers: a message of two parts has numbers of its own. `left_out`: so many more stand in a list."""
    more = [f"· 另有 {left_out} 件群的差异未逐一列出，请向管理员查询"] if left_out else []
    return "\n".join([f"有 {len(lines) + left_out} 件事请您留意：", *(f"· {line}" for line in lines), *more])
