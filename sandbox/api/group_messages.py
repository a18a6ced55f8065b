"""企业群发 to customer groups: a task that a member confirms, never a message by itself (doc path/92135).

`chat_type` must be `group`: messages to single customers are not for this service.
"""

import secrets
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.api.customer_groups import allowed_app
from sandbox.api.media import valid_media
from sandbox.company import Person
from sandbox.customers import GroupTask
from sandbox.errors import PlatformError, ok

CHATS_MOST = 2_000
TEXT_BYTES = 4_000
ATTACHMENTS_MOST = 9
MEDIA = {"image": "image", "video": "video", "file": "file"}
OTHER_ATTACHMENTS = frozenset(["link", "miniprogram"])
NOT_SENT, SENT = 0, 2
REMINDERS_MOST = 3


def add_msg_template(call: Call) -> dict[str, Any]:
    """`fail_list` names the groups that are not the sender's."""
    allowed_app(call)
    body, desk = call.body, call.state.customers
    if body.get("chat_type") != "group":
        raise PlatformError(40058, "chat_type is group here")
    sender = _sender(call)
    content = _content(call)
    wanted = call.list_of("chat_id_list")
    if len(wanted) > CHATS_MOST:
        raise PlatformError(40058, "chat_id_list takes 2000")
    own = [group.chat_id for group in desk.living() if group.owner.serial == sender.serial]
    chat_ids = [chat_id for chat_id in own if not wanted or chat_id in wanted]
    if not chat_ids:
        raise PlatformError(41048)
    task = GroupTask(
        "msg" + secrets.token_urlsafe(16), call.identity, sender.serial, chat_ids, content, int(call.state.now())
    )
    desk.tasks[task.msgid] = task
    return ok(fail_list=[chat_id for chat_id in wanted if chat_id not in own], msgid=task.msgid)


def _sender(call: Call) -> Person:
    userid = call.body.get("sender")
    if not userid:
        raise PlatformError(40058, "sender is missing")
    person = call.state.company.person(str(userid), errcode=40003)
    if not call.sight.sees_person(person):
        raise PlatformError(60011)
    return person


def _content(call: Call) -> dict[str, Any]:
    text = str((call.body.get("text") or {}).get("content") or "")
    attachments = call.list_of("attachments")
    if len(text.encode()) > TEXT_BYTES:
        raise PlatformError(45002)
    if len(attachments) > ATTACHMENTS_MOST:
        raise PlatformError(41064)
    if not text and not attachments:
        raise PlatformError(40063, "neither text nor attachments")
    for attachment in attachments:
        kind = attachment.get("msgtype")
        if kind in MEDIA:
            valid_media(call, (attachment.get(kind) or {}).get("media_id"), kind=MEDIA[kind])
        elif kind not in OTHER_ATTACHMENTS or not attachment.get(kind):
            raise PlatformError(41065)
    return {"text": text, "attachments": attachments}


def _own(call: Call) -> GroupTask:
    msgid = call.body.get("msgid")
    if not msgid:
        raise PlatformError(41046)
    task = call.state.customers.tasks.get(str(msgid))
    if task is None or task.agent != call.identity:
        raise PlatformError(41047)
    return task


def remind_groupmsg_send(call: Call) -> dict[str, Any]:
    """The member is reminded of the task, three times a day at most."""
    allowed_app(call)
    task = _own(call)
    if task.cancelled:
        raise PlatformError(41093)
    if task.reminded >= REMINDERS_MOST:
        raise PlatformError(41094)
    task.reminded += 1
    return ok()


def cancel_groupmsg_send(call: Call) -> dict[str, Any]:
    """What is not sent yet will not be."""
    allowed_app(call)
    _own(call).cancelled = True
    return ok()


def get_groupmsg_task(call: Call) -> dict[str, Any]:
    allowed_app(call)
    task = _own(call)
    row: dict[str, Any] = {
        "userid": "".join(call.state.company.userids([task.sender])),
        "status": NOT_SENT if task.sent_at is None else SENT,
    }
    return ok(next_cursor="", task_list=[row | ({"send_time": task.sent_at} if task.sent_at else {})])


def get_groupmsg_send_result(call: Call) -> dict[str, Any]:
    allowed_app(call)
    task = _own(call)
    userid = "".join(call.state.company.userids([task.sender]))
    rows = []
    for chat_id in task.chat_ids:
        row: dict[str, Any] = {"chat_id": chat_id, "userid": userid, "status": task.results.get(chat_id, 0)}
        rows.append(row | ({"send_time": task.sent_at} if task.sent_at else {}))
    return ok(next_cursor="", send_list=rows)


def _endpoint(handle: Any, source: str) -> Endpoint:
    return Endpoint(
        "POST",
        handle,
        fidelity=Fidelity.SIMPLIFIED,
        source=source,
        note="只支持 chat_type=group；结果不分页",
        note_en="chat_type=group alone; results come in one page",
    )


ENDPOINTS = {
    "externalcontact/add_msg_template": _endpoint(add_msg_template, "path/92135"),
    "externalcontact/remind_groupmsg_send": _endpoint(remind_groupmsg_send, "path/97610"),
    "externalcontact/cancel_groupmsg_send": _endpoint(cancel_groupmsg_send, "path/97611"),
    "externalcontact/get_groupmsg_task": _endpoint(get_groupmsg_task, "path/92135"),
    "externalcontact/get_groupmsg_send_result": _endpoint(get_groupmsg_send_result, "path/92135"),
}
