"""What the service behind the app was told, beside the phone of the person who caused it."""

import re
from itertools import islice
from typing import Any

from sandbox.callbacks import Push
from sandbox.company import Person
from sandbox.state import SandboxState

SHOWN = 6
LOOKED_AT = 2_000
"""Of a long log only the latest pushes are looked through for one person."""

_FIELD = re.compile(r"<(Event|EventKey|ChangeType|MsgType|Content)><!\[CDATA\[(.*?)\]\]></", re.DOTALL)
_REPLY_TYPE = re.compile(r"<MsgType><!\[CDATA\[(.*?)\]\]>")


def event_name(plaintext: str) -> str:
    """The event with what distinguishes it: `change_contact · update_user`, `click · my_tasks`, `text · 你好`."""
    fields = dict(_FIELD.findall(plaintext))
    kind = fields.get("Event") or fields.get("MsgType") or "?"
    detail = fields.get("ChangeType") or fields.get("EventKey") or fields.get("Content") or ""
    return f"{kind} · {detail}" if detail else kind


def push_row(push: Push) -> dict[str, Any]:
    """One push with its tries: status and time each."""
    reply = _REPLY_TYPE.search(push.reply)
    tries = [
        {"status": status, "seconds": push.seconds[number] if number < len(push.seconds) else None}
        for number, status in enumerate(push.statuses)
    ]
    return {
        "id": push.id,
        "channel": push.channel,
        "name": event_name(push.plaintext),
        "at": push.created_at,
        "plaintext": push.plaintext,
        "tries": tries,
        "error": push.error,
        "reply": push.reply,
        "reply_type": reply[1] if reply else "",
        "reply_error": push.reply_error,
        "is_done": push.done.is_set(),
        "is_delivered": bool(push.statuses) and push.statuses[-1] == 200,  # noqa: PLR2004 - HTTP OK
    }


def told_about(state: SandboxState, person: Person) -> list[dict[str, Any]]:
    """The latest pushes that this person's phone caused."""
    recent = islice(reversed(state.pusher.log), LOOKED_AT)
    return [push_row(push) for push in islice((p for p in recent if p.clicker == person.serial), SHOWN)]
