"""How recipients are divided into calls. Pure."""

from __future__ import annotations

from uuid import UUID

RECIPIENTS_PER_CALL = 1000
"""Most userids of one `message/send` or `message/update_template_card` (messaging §1.1, §1.5)."""


def chunked(recipients: list[UUID], *, individually: bool) -> list[list[UUID]]:
    size = 1 if individually else RECIPIENTS_PER_CALL
    return [recipients[start : start + size] for start in range(0, len(recipients), size)]
