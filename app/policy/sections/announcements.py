"""Classes of announcements (policy 3)."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    Field,
    model_validator,
)

from app.policy.sections.values import Duration, Section, Text, only_blanks


class AnnouncementClassRule(Section):
    """3.2: what a class of announcements means."""

    title: Text
    """紧急, 工作 …"""
    receipt: bool
    """3.6: whether those concerned must confirm (an announcement may ask for less, not for more)."""
    default_deadline: Duration | None = None
    """3.6: for the confirmation, since publication, when the announcement names none. Needed with `receipt`."""
    chase_before: Duration | None = None
    """3.6: who has not confirmed is chased once, this long before the deadline. Empty: at the deadline itself."""
    escalate_after: Duration | None = None
    """3.6: who has still not confirmed this long after their own deadline is brought before their superior. Empty:
    nobody is."""
    leaders_only: bool = False
    """3.6: an instruction: from leaders only, to the people of the departments that they lead and to those whose direct
    leader they are."""
    one_owner: bool = False
    """4.6: one person confirms and answers: who alone is named, or the owner of the one group that it goes to."""
    max_characters: Annotated[int, Field(ge=1)] | None = None
    """3.1: longer content goes behind a link. Empty: no limit of the policy's."""

    @model_validator(mode="after")
    def _has_deadline(self) -> AnnouncementClassRule:
        if self.receipt and self.default_deadline is None:
            raise ValueError("要回执的类别要写 default_deadline（如 1wd）")
        if self.escalate_after is not None and not self.receipt:
            raise ValueError("escalate_after 只用于要回执的类别")
        return self


class AnnouncementsRule(Section):
    classes: dict[str, AnnouncementClassRule]
    chase_text: Annotated[Text, only_blanks("title", "deadline", "clause")]
    """What the chase says. Blanks: {title}, {deadline}, {clause}."""
