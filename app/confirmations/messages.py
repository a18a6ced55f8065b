"""What people read of acts that need two people."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from app.dual_control import TwoPersonHandler
from app.quotes import quoted
from app.wecom.message_bodies.card import Card, CardButton
from app.wecom.message_bodies.markup import with_link
from models.confirmations import Confirmation

CONFIRM = "confirmation.confirm"
REFUSE = "confirmation.refuse"


def card(row: Confirmation, handler: TwoPersonHandler, *, asker: str, zone: ZoneInfo) -> Card:
    """For everybody who may confirm. Only one of them answers."""
    fields = [(name, value) for name, value in row.fields]
    return Card(
        title=f"请您确认：{handler.title.chinese}",
        desc=f"{asker} 提出，需要另一个人确认",
        fields=[*fields, ("期限", _moment(row.expires_at, zone))],
        quote=row.reason,
        buttons=(
            CardButton("同意并执行", f"{CONFIRM}:{row.id}"),
            CardButton("驳回", f"{REFUSE}:{row.id}", style=2),
        ),
    )


def in_full(row: Confirmation, handler: TwoPersonHandler, *, asker: str, url: str | None) -> str:
    """The text beside a card that cannot hold everything: nobody confirms half of an act."""
    lines = [f"{name}：{value}" for name, value in row.fields]
    said = [f"{asker} 提出：{handler.title.chinese}", *lines, "等待您在卡片上或页面上答复。"]
    return with_link("\n".join(said), url)


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%m-%d %H:%M}"


def outcome(row: Confirmation, answerer: str) -> str:
    """The grey text on the cards."""
    return {"confirmed": f"{answerer}已同意", "refused": f"{answerer}已驳回", "withdrawn": "已撤回"}.get(
        row.state.value, "已过期"
    )


def told_asker(row: Confirmation, handler: TwoPersonHandler, answerer: str) -> str:
    """What the asker reads of the end."""
    what = quoted(handler.title.chinese)
    said = f"：{row.comment}" if row.comment else ""
    return {
        "confirmed": f"{answerer} 同意了您提出的{what}，已经执行{said}",
        "refused": f"{answerer} 驳回了您提出的{what}，没有执行{said}",
    }.get(row.state.value, f"您提出的{what}在期限内没有人确认，没有执行；仍需要的话请重新提出")


def not_done(handler: TwoPersonHandler, reason: str) -> str:
    """To somebody whose press on the card changed nothing."""
    return f"您对{quoted(handler.title.chinese)}的答复没有记下：{reason}"
