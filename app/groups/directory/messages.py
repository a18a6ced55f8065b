"""What people who ask the app read of groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.groups.directory.lists import GroupLine, Standing
from app.groups.messages import NO_OWNER
from app.wecom.message_bodies.markup import with_link
from models.approvals import Request

OWN_GROUPS: Final = "我的群"
OWN_GROUPS_HELP: Final = "您在哪些登记的群里"
NO_GROUPS: Final = "您不在任何登记的群里。"

_STANDINGS: Final = {
    Standing.OUTSIDE: "您不在群里；要加入请申请。",
    Standing.INSIDE: "您在群里。",
    Standing.JOINING: "您已获准入群，企业微信里还没有显示。",
    Standing.LEAVING: "您已获准退群，企业微信里还显示您在群里。",
}


def own_groups(lines: Sequence[GroupLine], *, has_more: bool, link: str | None) -> str:
    if not lines:
        return with_link(NO_GROUPS, link)
    said = ["您所在的群：", *(f"· {line.name}" for line in lines)]
    return with_link("\n".join([*said, "还有更多"] if has_more else said), link)


_APPLICATIONS: Final = {"join": "入群", "exit": "退群"}


def standing(line: GroupLine, *, link: str | None) -> str:
    """One group, as its register and the platform have it. `link`: to the open application, where there is one."""
    said = [
        f"【群】{line.name}",
        f"用途：{line.purpose}",
        f"群主：{line.owner.name if line.owner else NO_OWNER}，{line.counts.seen} 人",
        _pending(line.pending) if line.pending else _STANDINGS[line.standing],
    ]
    return with_link("\n".join(said), link)


def _pending(request: Request) -> str:
    return f"您的{_APPLICATIONS[request.kind]}申请 #{request.number} 正在审批。"
