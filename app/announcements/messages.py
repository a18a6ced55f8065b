"""What people are told about an announcement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.policy.service import Citation
from app.quotes import filled, quoted
from app.wecom.message_bodies.card import CARD_DESC, CARD_SUB_TITLE, CARD_TITLE, Card, CardButton, cut
from app.wecom.message_bodies.markup import with_link
from models.announcements import Announcement

CONFIRM = "announcement.confirm"
NAMES_SHOWN = 30
POSTPONED = "，晚送达的顺延"
ELSEWHERE = "…（全文见文字消息）"


def local(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%m-%d %H:%M") if moment else "无"


def group_text(
    announcement: Announcement,
    *,
    class_title: str,
    author: str,
    app_name: str,
    zone: ZoneInfo,
    owner: str | None = None,
) -> str:
    """The one text in the group: policy 3.12, a post names its source. `owner`: who alone confirms it (4.6)."""
    lines = _in_full(announcement, class_title=class_title, author=author)
    if owner is not None:
        lines.append(f"负责人：{owner}")
    elif announcement.receipt_required:
        lines.append(f"请在 {local(announcement.deadline, zone)} 前到{quoted(app_name)}里点“收到”确认。")
    return "\n".join(lines)


def text(announcement: Announcement, *, class_title: str, author: str, link: str | None = None) -> str:
    """To a person: what needs no receipt, and what no card can hold."""
    return with_link("\n".join(_in_full(announcement, class_title=class_title, author=author)), link)


def _in_full(announcement: Announcement, *, class_title: str, author: str) -> list[str]:
    return [f"【{class_title}】{announcement.title}", announcement.body, f"发布人：{author}"]


def fits_a_card(announcement: Announcement) -> bool:
    """A card is cut where it is full, and nobody could read the rest."""
    return len(announcement.title) <= CARD_TITLE and len(announcement.body) <= CARD_SUB_TITLE


def card(
    announcement: Announcement,
    *,
    class_title: str,
    author: str,
    citation: Citation,
    zone: ZoneInfo,
    notice: str = "",
    due_at: datetime | None = None,
) -> Card:
    """The card with the button, for each person of whom a receipt is wanted. `due_at`: their own deadline, where it
    is known; the first card cannot know when it arrives.
    """
    until = local(due_at, zone) if due_at else f"{local(announcement.deadline, zone)}{POSTPONED}"
    fields = [("发布人", author), ("类别", class_title), ("截止", until)]
    body = announcement.body
    if not fits_a_card(announcement):
        body = body[: CARD_SUB_TITLE - len(ELSEWHERE)] + ELSEWHERE
    button = CardButton("收到", f"{CONFIRM}:{announcement.id}", style=1)
    return Card(
        title=announcement.title,
        desc=notice,
        fields=fields,
        sub_title=body,
        quote=citation.sentence if notice else "",
        buttons=[button],
    )


def confirmed_card(face: Card, *, at: datetime, late: bool, zone: ZoneInfo) -> Card:
    """The same card after the click."""
    said = "已逾期确认" if late else "已确认"
    rows = [*face.fields, ("确认", local(at, zone))]
    return Card(title=face.title, desc=face.desc, fields=rows, sub_title=face.sub_title, url=face.url, outcome=said)


def chase_in_short(announcement: Announcement, *, deadline: str, citation: Citation) -> str:
    return f"通知{quoted(announcement.title)}请在卡片上点“收到”，截止 {deadline}（制度{citation.label}）。"


def chase_notice(template: str, announcement: Announcement, *, deadline: str, citation: Citation) -> str:
    """Policy 3.6: late means a reminder. The words are the policy's; a long title makes room for the deadline."""

    def said(title: str) -> str:
        return filled(template, title=title, deadline=deadline, clause=f"制度{citation.label}")

    too_much = len(said(announcement.title)) - CARD_DESC
    return said(
        cut(announcement.title, max(len(announcement.title) - too_much, 1)) if too_much > 0 else announcement.title
    )


@dataclass(frozen=True)
class NotConfirmed:
    """Who has not confirmed, by name: in time, and because the card has not reached them; and how many still may."""

    missing: Sequence[str] = ()
    undelivered: Sequence[str] = ()
    running: int = 0


def final_list(announcement: Announcement, *, confirmed: int, others: NotConfirmed) -> list[str]:
    """What the author reads at the deadline: who has, who has not, and whom the card has not reached (3.6)."""
    total = confirmed + len(others.missing) + len(others.undelivered) + others.running
    lines = [f"通知{quoted(announcement.title)}已到截止时间：{total} 人中 {confirmed} 人已确认。"]
    lines += _not_confirmed(others)
    if others.running:
        lines.append(f"另有 {others.running} 人送达较晚，期限另计。")
    return lines


def later_list(announcement: Announcement, *, confirmed: int, missing: Sequence[str]) -> list[str]:
    """What the author reads when those whom the card reached late have had their time as well."""
    total = confirmed + len(missing)
    first = f"通知{quoted(announcement.title)}送达较晚的 {total} 人期限已到：{confirmed} 人已确认。"
    return [first, *_not_confirmed(NotConfirmed(missing))]


def in_one_line(lines: Sequence[str]) -> str:
    return "".join(line if line.endswith("。") else f"{line}。" for line in lines)


def escalated(announcement: Announcement, late: Mapping[str, Sequence[str]], *, citation: Citation) -> str:
    """To their superior (3.6): who has not confirmed. `late`: names by deadline, the earliest first."""
    lines = [f"{_colleagues(announcement, late)}："]
    lines += [f"截止 {deadline}：{names(people)}" for deadline, people in late.items()]
    return "\n".join([*lines, "请督促他们在卡片上点“收到”。", citation.sentence])


def escalated_in_short(announcement: Announcement, late: Mapping[str, Sequence[str]], *, citation: Citation) -> str:
    who = "；".join(f"{names(people)}（截止 {deadline}）" for deadline, people in late.items())
    return f"{_colleagues(announcement, late)}：{who}。请督促（制度{citation.label}）。"


def _colleagues(announcement: Announcement, late: Mapping[str, Sequence[str]]) -> str:
    number = sum(len(people) for people in late.values())
    return f"您的 {number} 位同事未确认通知{quoted(announcement.title)}"


def _not_confirmed(others: NotConfirmed) -> list[str]:
    lines = [f"未确认：{names(others.missing)}"] if others.missing else []
    return [*lines, f"未送达（不算未确认）：{names(others.undelivered)}"] if others.undelivered else lines


def names(people: Sequence[str]) -> str:
    more = f" 等 {len(people)} 人" if len(people) > NAMES_SHOWN else ""
    return "、".join(people[:NAMES_SHOWN]) + more
