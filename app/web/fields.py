"""Moments on the wire: with a time zone, in UTC from here on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("时间超出范围") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
