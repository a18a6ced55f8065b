"""The words of the menu. At the top there is room for five Chinese characters, below for thirteen."""

from __future__ import annotations

from typing import Final

TODAY: Final = "今日"
APPLY: Final = "发起申请"
JOIN: Final = "加入群"
EXIT: Final = "退出群"
CREATE: Final = "建立群"
MINE: Final = "我的"
MY_REQUESTS: Final = "我的申请"
MY_TASKS: Final = "我的任务"
MY_GROUPS: Final = "我的群"
HELP: Final = "帮助"
