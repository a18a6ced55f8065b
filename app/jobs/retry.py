"""When a failed job is tried again. Pure."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from app.database import is_away
from app.wecom.errors import Never, NotUnderstood, OutcomeUnknown, QuotaExhausted, WaitUntil, WecomError

MAX_ATTEMPTS = 8
FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)


def retry_delay(attempts: int) -> timedelta | None:
    """How long to wait after the failed attempt number `attempts` (1 is the first); None: give up and hold."""
    if attempts >= MAX_ATTEMPTS:
        return None
    delay: timedelta = min(FIRST_DELAY * 2 ** (attempts - 1), LONGEST_DELAY)
    return delay


def delay_after(error: Exception, attempts: int, *, waits: int = 0) -> timedelta | None:
    """`retry_delay`; but trouble of the platform is waited out, however long: an hour without network, token or quota
    must leave nothing for a person to restart. Where it is known when calls go again, the job waits for that.

    `waits`: so many of the attempts before were such waits. They use up no tries.
    """
    if not is_wait(error):
        return retry_delay(max(attempts - waits, 1))
    delay = retry_delay(attempts) or LONGEST_DELAY
    return max(error.wait, delay) if isinstance(error, QuotaExhausted | WaitUntil) else delay


def is_wait(error: Exception) -> bool:
    """It says nothing about the work: the platform is in trouble, or the database cannot store now."""
    return is_trouble_of_the_platform(error) or (isinstance(error, DBAPIError) and is_away(error))


def is_trouble_of_the_platform(error: Exception) -> bool:
    """It would hit whatever is asked: the network, a busy platform, the token, our address, the app's rights."""
    return isinstance(error, WecomError) and not isinstance(error, Never | NotUnderstood | OutcomeUnknown)
