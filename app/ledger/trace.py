"""Calls and their answers in a trace (F118). The bytes are read with the call, by those who may."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.trace.service import MOST, Ref, TraceAsked, TraceEntry, TraceKind, code_of, purpose, reason
from models.audit import ObjectKind
from models.delivery import CallKind, CallState, Message, OutgoingCall

_ASKED: Final = {
    CallKind.MESSAGE_SEND: ("发送消息", "send a message"),
    CallKind.CARD_UPDATE: ("更新卡片", "update a card"),
    CallKind.APPCHAT_CREATE: ("建群", "create a group"),
    CallKind.APPCHAT_UPDATE: ("变更群", "change a group"),
    CallKind.APPCHAT_SEND: ("在群里发消息", "post in a group"),
    CallKind.MENU_CREATE: ("设置应用菜单", "set the menu of the app"),
    CallKind.MEDIA_UPLOAD: ("上传文件", "upload a file"),
}
_ENDED: Final = {
    CallState.DONE: ("企业微信已受理", "WeCom has taken it"),
    CallState.FAILED: ("没有成功", "it failed"),
    CallState.UNKNOWN: ("结果不明，等待人工核对", "its outcome is unknown and waits for a person"),
    CallState.REPLACED: ("由后一次调用接续", "a later call carries on"),
}


async def traced(session: AsyncSession, asked: TraceAsked) -> list[TraceEntry]:
    """Each call as it was asked for, and as it ended."""
    statement = (
        select(
            col(OutgoingCall.id),
            col(OutgoingCall.kind),
            col(OutgoingCall.purpose),
            col(OutgoingCall.subject_kind),
            col(OutgoingCall.subject_id),
            col(OutgoingCall.state),
            col(OutgoingCall.hold_reason),
            col(OutgoingCall.attempts),
            col(OutgoingCall.errcode),
            col(OutgoingCall.previous_id),
            col(OutgoingCall.actor),
            col(OutgoingCall.rule_key),
            col(OutgoingCall.created_at),
            col(OutgoingCall.finished_at),
            col(Message.origin_kind),
            col(Message.origin_id),
        )
        .outerjoin(Message, col(Message.id) == col(OutgoingCall.message_id))
        .where(col(OutgoingCall.correlation_id) == asked.correlation_id)
        .order_by(col(OutgoingCall.id))
        .limit(MOST)
    )
    entries: list[TraceEntry] = []
    for row in await session.execute(statement):
        entries += _entries(row)
    return entries


def _entries(row: Any) -> list[TraceEntry]:
    chinese, english = _ASKED[CallKind(row.kind)]
    ref = Ref(ObjectKind.OUTGOING_CALL, str(row.id))
    about = Ref(row.origin_kind, row.origin_id) if row.origin_kind else Ref(row.subject_kind, row.subject_id)
    why, of_what = reason(row.hold_reason or ""), purpose(row.purpose)
    waits = f"，还没有发出：{why.chinese}" if row.state == CallState.HELD else ""
    held = f"; not sent yet: {why.english}" if row.state == CallState.HELD else ""
    asked = TraceEntry(
        at=row.created_at,
        kind=TraceKind.CALLED,
        chinese=f"要求企业微信{chinese}（{of_what.chinese}）{waits}",
        english=f"WeCom is to {english} ({of_what.english}){held}",
        ref=ref,
        about=about,
        state=row.state,
        caused_by=Ref(ObjectKind.OUTGOING_CALL, str(row.previous_id)) if row.previous_id else about,
        actor=row.actor,
        rule_key=row.rule_key,
    )
    if row.finished_at is None or row.state not in _ENDED:
        return [asked]
    return [asked, _answer(row, ref)]


def _answer(row: Any, ref: Ref) -> TraceEntry:
    chinese, english = _ENDED[CallState(row.state)]
    times, often = f"第 {row.attempts} 次尝试", f"attempt {row.attempts}"
    if row.errcode:
        code = code_of(row.errcode)
        chinese, english = f"{chinese}：{row.errcode} {code.meaning_zh}", f"{english}: {row.errcode} {code.meaning_en}"
    elif row.state == CallState.FAILED and row.hold_reason:
        why = reason(row.hold_reason)
        chinese, english = f"{chinese}（{why.chinese}）", f"{english} ({why.english})"
    return TraceEntry(
        at=row.finished_at,
        kind=TraceKind.ANSWERED,
        chinese=f"{times}：{chinese}",
        english=f"{often}: {english}",
        ref=Ref("answer", ref.id),
        about=ref,
        state=row.state,
        caused_by=ref,
    )
