"""When a message may go (policy 3.4, F62)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import (
    Field,
    model_validator,
)

from app.policy.sections.values import PLATFORM_DUPLICATE_WINDOW, Section
from app.policy.sections.working_time import LocalTime, TimeSpan, within


class Hours(StrEnum):
    """When messages of a class may go (3.4)."""

    WORK = "work"  # in working time
    NOT_QUIET = "not_quiet"  # any time outside of the rest period
    ANY = "any"


NOTICE = "notice"
"""The class of what has happened or fallen due: a first post, a welcome, a final list, an escalation."""


class DeliveryClassRule(Section):
    hours: Hours


class DeliveryRule(Section):
    """3.4, F62: when a message may go, and how held messages are released."""

    quiet: TimeSpan | None = None
    """The rest period: classes `work` and `not_quiet` never go in it."""
    jitter_seconds: Annotated[int, Field(ge=0, le=1500)] = 0
    """Held messages are released up to this long after the hours begin, so that not all go at once."""
    avoid_marks: bool = False
    """Never release in the minutes :00 and :30, when everybody's timers go off."""
    classes: dict[str, DeliveryClassRule]
    """By message class. `answer` is what a person gets in reply to their own act; `notice` says what has happened or
    fallen due."""
    morning_digest: LocalTime | None = None
    """3.6: when everybody for whom something waits gets it in one message, on working days. Empty: nobody does."""
    duplicate_window_seconds: Annotated[int, Field(ge=1, le=PLATFORM_DUPLICATE_WINDOW)] = 1800
    """`duplicate_check_interval` of message/send."""

    @model_validator(mode="after")
    def _digest_outside_of_the_rest_period(self) -> DeliveryRule:
        if self.quiet and self.morning_digest and within(self.morning_digest, self.quiet):
            raise ValueError("morning_digest 在 quiet（休息时段）之内，请改到休息时段以外")
        return self

    def hours_of(self, message_class: str) -> Hours:
        """A class the document does not know is treated as work: it is held rather than sent at night.

        `notice` is younger than some stored documents: without a rule of its own it keeps the rest period (policy 3.4).
        """
        rule = self.classes.get(message_class)
        if rule is None:
            return Hours.NOT_QUIET if message_class == NOTICE else Hours.WORK
        return rule.hours
