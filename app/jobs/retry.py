"""When a failed job is tried again. Pure."""

from __future__ import annotations

from datetime import timedelta

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


def delay_after(error: Exception, attempts: int) -> timedelta | None:
    """`retry_delay`; but trouble of the platform is waited out, however long: an hour without network, token or quota
    must leave nothing for a person to restart. Where it is known when calls go again, the job waits for that.
    """
    delay = retry_delay(attempts)
    if isinstance(error, QuotaExhausted | WaitUntil):
        return max(error.wait, delay or LONGEST_DELAY)
    if is_trouble_of_the_platform(error):
        return delay or LONGEST_DELAY
    return delay


def is_trouble_of_the_platform(error: Exception) -> bool:
    """It would hit whatever is asked: the network, a busy platform, the token, our address, the app's rights."""
    return isinstance(error, WecomError) and not isinstance(error, Never | NotUnderstood | OutcomeUnknown)
