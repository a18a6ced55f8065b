"""What people are told about an announcement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from app.policy.service import Citation
from app.wecom.messages import Card, CardButton
from models.announcements import Announcement

CONFIRM = "announcement.confirm"
NAMES_SHOWN = 30


def local(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%m-%d %H:%M") if moment else "无"


def group_text(announcement: Announcement, *, class_title: str, author: str, zone: ZoneInfo) -> str:
    """The one text in the group: policy 3.12, a post names its source."""
    lines = [f"【{class_title}】{announcement.title}", announcement.body, f"发布人：{author}"]
    if announcement.receipt_required:
        lines.append(f"请在 {local(announcement.deadline, zone)} 前到“企微管家”里点“收到”确认。")
    return "\n".join(lines)


def card(
    announcement: Announcement, *, class_title: str, author: str, citation: Citation, zone: ZoneInfo, notice: str = ""
) -> Card:
    """The card each person gets, with the button where a receipt is wanted."""
    fields = [("发布人", author), ("类别", class_title)]
    if announcement.receipt_required:
        fields.append(("截止", local(announcement.deadline, zone)))
    button = CardButton("收到", f"{CONFIRM}:{announcement.id}", style=1)
    return Card(
        title=announcement.title,
        desc=notice,
        fields=fields,
        sub_title=announcement.body,
        quote=f"依据制度{citation.label}：{citation.text}" if notice else "",
        buttons=[button] if announcement.receipt_required else [],
    )


def confirmed_card(face: Card, *, at: datetime, late: bool, zone: ZoneInfo) -> Card:
    """The same card after the click."""
    said = "已逾期确认" if late else "已确认"
    rows = [*face.fields, ("确认", local(at, zone))]
    return Card(title=face.title, desc=face.desc, fields=rows, sub_title=face.sub_title, outcome=said)


def chase_notice(template: str, announcement: Announcement, *, citation: Citation, zone: ZoneInfo) -> str:
    """Policy 3.6: late means a reminder. The words are the policy's."""
    return template.format(
        title=announcement.title, deadline=local(announcement.deadline, zone), clause=f"制度{citation.label}"
    )


def final_list(announcement: Announcement, *, confirmed: int, missing: Sequence[str]) -> str:
    """What the author reads at the deadline: who has and who has not."""
    total = confirmed + len(missing)
    lines = [f"通知“{announcement.title}”已到截止时间：{total} 人中 {confirmed} 人已确认。"]
    if missing:
        shown = "、".join(missing[:NAMES_SHOWN])
        more = f" 等 {len(missing)} 人" if len(missing) > NAMES_SHOWN else ""
        lines.append(f"未确认：{shown}{more}")
    return "\n".join(lines)
