"""How long sessions of people live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.settings import Settings


@dataclass(frozen=True)
class Lifetime:
    """Without a visit, and at most."""

    idle: timedelta
    longest: timedelta


def lifetime_of(settings: Settings) -> Lifetime:
    return Lifetime(settings.session_idle, settings.session_longest)
