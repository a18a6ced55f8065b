"""A member confirms a 企业群发, and only then it is sent (doc path/92135)."""

import calendar

from sandbox.customers import GroupTask, Line
from sandbox.phone_acts import NotPossible
from sandbox.state import SandboxState

SENT, OTHER_SENT = 1, 3


def confirm(state: SandboxState, task: GroupTask, *, month: str) -> None:
    """`month` as 2026-03. Each group takes as many 群发 a month as the month has days; beyond that it gets none."""
    if task.cancelled or task.sent_at is not None:
        raise NotPossible("the task is over")
    year, number = (int(part) for part in month.split("-"))
    most = calendar.monthrange(year, number)[1]
    now = int(state.now())
    task.sent_at = now
    sender = "".join(state.company.userids([task.sender]))
    for chat_id in task.chat_ids:
        group = state.customers.groups[chat_id]
        key = f"{chat_id} {month}"
        used = state.customers.sent_in_month.get(key, 0)
        if group.is_dismissed or used >= most:
            task.results[chat_id] = OTHER_SENT
            continue
        state.customers.sent_in_month[key] = used + 1
        group.lines.append(
            Line(now, sender, str(task.body["text"]), {"attachments": task.body["attachments"]}, task.msgid)
        )
        task.results[chat_id] = SENT
