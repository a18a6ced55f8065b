"""THE table: event type → domain function.

An event of the platform is a hint: contact events have the object fetched again, and are right in any order. Only
clicks and what people write carry their own facts. A type in the catalogue stands in exactly one of `HINTS`, `SAYINGS`,
`IGNORED` and the card actions; a test holds it to that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.cards import service as cards
from app.cards.service import CardAbsorb, CardAction, Click
from app.inbox.messages import explain_unreadable
from app.inbox.processor import Absorb
from app.inbox.rules import DONE, UNREADABLE, Outcome, Received, ignored, unknown
from callbacks.contact_hints import HINTS, look_again, look_again_at_all
from callbacks.envelope import PROVIDER, text_of
from callbacks.errors import Refused
from callbacks.events import AnyEvent, CardClicked, read_body
from callbacks.plaintext import read_elements
from callbacks.sayings import SAYINGS, answer

CLICK: Final = "template_card_event"

_CONTACTS: Final = "contacts"

_NO_ACTION: Final = "菜单打开了页面，或做了没有绑定动作的事"
_NO_PLATFORM_APPROVAL: Final = "审批应用的单据目前不处理，本服务用自己的审批"
_NO_CUSTOMERS: Final = "客户联系事件目前不处理"
_NO_SCHEDULE: Final = "日程事件目前不处理"
_APP_STATE: Final = "应用状态通知，仅记录"
_NO_PROVIDER: Final = "服务商（第三方应用）的事件：本服务是企业自建应用，不处理"
_CARD_LEGACY: Final = "本服务不发送任务卡片，也不使用卡片右上角菜单"

# Types that are known and not acted upon, each with its reason. They stay in the inbox and can be replayed.
IGNORED: Final[dict[str, str]] = {
    "enter_agent": "打开应用会话，无需处理",
    "location": "不收集员工位置",
    "view": _NO_ACTION,
    "view_miniprogram": _NO_ACTION,
    "scancode_push": _NO_ACTION,
    "scancode_waitmsg": _NO_ACTION,
    "pic_sysphoto": _NO_ACTION,
    "pic_photo_or_album": _NO_ACTION,
    "pic_weixin": _NO_ACTION,
    "location_select": _NO_ACTION,
    "template_card_menu_event": _CARD_LEGACY,
    "taskcard_click": _CARD_LEGACY,
    "share_agent_change": _APP_STATE,
    "share_chain_change": _APP_STATE,
    "inactive_alert": _APP_STATE,
    "low_active_alert": _APP_STATE,
    "close_inactive_agent": _APP_STATE,
    "reopen_inactive_agent": _APP_STATE,
    "low_active": _APP_STATE,
    "active_restored": _APP_STATE,
    "switch_workbench_mode": _APP_STATE,
    "change_app_admin": _APP_STATE,
    "security.change_domain_ip": "企业微信的地址清单有变，由 doctor 检查",
    "upload_media_job_finish": "本服务不使用异步素材上传",
    "batch_job_result": "本服务不使用异步批量任务",
    "open_approval_change": _NO_PLATFORM_APPROVAL,
    "sys_approval_change": _NO_PLATFORM_APPROVAL,
    "change_external_contact.add_external_contact": _NO_CUSTOMERS,
    "change_external_contact.add_half_external_contact": _NO_CUSTOMERS,
    "change_external_contact.edit_external_contact": _NO_CUSTOMERS,
    "change_external_contact.del_external_contact": _NO_CUSTOMERS,
    "change_external_contact.del_follow_user": _NO_CUSTOMERS,
    "change_external_contact.transfer_fail": _NO_CUSTOMERS,
    "change_external_contact.msg_audit_approved": _NO_CUSTOMERS,
    "change_external_chat.create": _NO_CUSTOMERS,
    "change_external_chat.update": _NO_CUSTOMERS,
    "change_external_chat.dismiss": _NO_CUSTOMERS,
    "change_external_tag.create": _NO_CUSTOMERS,
    "change_external_tag.update": _NO_CUSTOMERS,
    "change_external_tag.delete": _NO_CUSTOMERS,
    "change_external_tag.shuffle": _NO_CUSTOMERS,
    "respond_schedule": _NO_SCHEDULE,
    "modify_schedule": _NO_SCHEDULE,
    "delete_schedule": _NO_SCHEDULE,
    "modify_calendar": _NO_SCHEDULE,
    "delete_calendar": _NO_SCHEDULE,
    "msgaudit_notify": "未启用会话内容存档",
    "hit_keyword": "未启用会话内容存档",
}


class EventHandler:
    """What the inbox calls for each event; an instance is `app.inbox.processor.Handle`."""

    def __init__(self, card_actions: Mapping[str, CardAction], card_absorbers: Mapping[str, CardAbsorb]) -> None:
        self._card_actions = card_actions
        self._card_absorbers = [
            (f"{action}:".encode(), action, _many(action, absorb)) for action, absorb in card_absorbers.items()
        ]

    async def __call__(self, session: AsyncSession, event: Received, now: datetime) -> Outcome:
        if (not_ours := _not_acted_upon(event)) is not None:
            return not_ours
        typed = _typed(event)
        if isinstance(typed, CardClicked):
            return await self._clicked(session, event, typed, now)
        if event.event_type in SAYINGS:
            return await answer(session, event, typed, now)
        if event.event_type not in HINTS:
            return unknown("目录里没有这种事件")
        await look_again(session, event, typed)
        return DONE

    def absorber_for(self, event: Received) -> tuple[str, Absorb] | None:
        """The set-based form for this event, where it has one (`app.inbox.processor.AbsorberFor`)."""
        if event.body is None:
            return None
        if event.event_type in HINTS:
            return _CONTACTS, look_again_at_all
        if event.event_type != CLICK:
            return None
        for begins, action, absorb in self._card_absorbers:
            # Parsed once, and later: what only mentions the name is then left to be handled alone.
            if begins in event.body:
                return action, absorb
        return None

    async def _clicked(self, session: AsyncSession, event: Received, click: CardClicked, now: datetime) -> Outcome:
        name, _, argument = click.key.partition(":")
        told = Click(
            event_id=event.id or 0,
            app_id=event.app_id,
            task_id=click.task_id,
            userid=click.sender,
            event_key=click.key,
            response_code=click.response_code,
            correlation_id=event.correlation_id,
        )
        clicked = await cards.record_click(session, told, now=now)
        if clicked is None:
            return ignored("卡片不是本服务发出的")
        action = self._card_actions.get(name)
        if action is None:
            return ignored(f"没有名为 {name} 的卡片动作")
        await action(session, clicked, argument, now)
        return DONE


def build_handler(
    card_actions: Mapping[str, CardAction], card_absorbers: Mapping[str, CardAbsorb] | None = None
) -> EventHandler:
    return EventHandler(card_actions, card_absorbers or {})


def _many(action: str, absorb: CardAbsorb) -> Absorb:
    async def absorb_events(session: AsyncSession, events: Sequence[Received], now: datetime) -> set[int]:
        clicks = [click for event in events if (click := _click(event, action))]
        return await absorb(session, clicks, now)

    return absorb_events


def _click(event: Received, action: str) -> Click | None:
    """Read by hand: with the typed union it costs five times as much. None where it is not a click on this button."""
    assert event.body is not None  # `absorber_for` has seen it
    try:
        root = read_elements(event.body)
    except Refused:
        return None
    said: dict[str, str] = {}
    for child in root:
        if text := text_of(child):
            said.setdefault(child.tag.lower(), text)
    key = said.get("eventkey", "")
    if key.partition(":")[0] != action or "taskid" not in said:
        return None
    return Click(
        event_id=event.id or 0,
        app_id=event.app_id,
        task_id=said["taskid"],
        userid=said.get("fromusername", ""),
        event_key=key,
        response_code=said.get("responsecode", ""),
        correlation_id=event.correlation_id,
    )


def _not_acted_upon(event: Received) -> Outcome | None:
    if reason := IGNORED.get(event.event_type):
        return ignored(reason)
    if event.event_type.startswith(UNREADABLE):
        return unknown(explain_unreadable(event.event_type))
    if event.event_type.startswith(PROVIDER):
        return ignored(_NO_PROVIDER)
    return None


def _typed(event: Received) -> AnyEvent | None:
    assert event.body is not None  # a replay without a body is refused
    return read_body(event.body)
