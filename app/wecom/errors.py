"""What can go wrong with a call to the platform, and what may be done about it.

WecomError
├── NotReached        the connection failed before anything was sent: safe to repeat
├── TooLate           not sent: whoever was to send it woke after its time
├── OutcomeUnknown    a write was sent and its answer was lost: it may have had its effect, never repeat it blindly
├── QuotaExhausted    not sent: the limit is used up, or the platform has blocked the path; `until` says how long
├── HttpFailure       no answer of the platform, and no effect: a read whose answer was lost, or something between us
│                     and the platform that answered in its place (a proxy, a wrong base URL)
└── WecomRefused      the platform answered with an errcode
    ├── TryAgain      nothing is wrong with the request: repeat it later
    ├── WaitUntil     blocked until `until`
    ├── TokenRefused  the access token is not accepted, fetched again or not; the call had no effect
    ├── AppRefused    not the request but the app is refused (secret, address, rights): it may go when that is mended
    ├── NotUnderstood the table has no such code: whether a write had its effect is unknown
    └── Never         the same request will never work; `is_stale` says that our picture is out of date

Which errcode is which stands in one table, `CODES` (codes.yaml).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar

from app.wecom.codes import CODES, Action, CodeEntry, Window, blocked_until, unknown_code

__all__ = [
    "CODES",
    "AppRefused",
    "CodeEntry",
    "HttpFailure",
    "Never",
    "NotReached",
    "NotUnderstood",
    "OutcomeUnknown",
    "QuotaExhausted",
    "TokenRefused",
    "TooLate",
    "TryAgain",
    "WaitUntil",
    "WecomError",
    "WecomRefused",
    "refusal",
]

GETTOKEN = "gettoken"

_CALLER_IP = re.compile(r"from ip:\s*([0-9A-Fa-f.:]+)")

# Only the shortest block is certain from the code alone; these calls have a longer one of their own. Where the breaker
# knows better (`app/limits/breaker.py`), its moment takes the place of this one.
_WINDOWS: dict[tuple[int, str], Window] = {
    # Repeated wrong secrets block the calling address for an hour (doc path/91039).
    (45009, GETTOKEN): Window.HOUR,
}


class WecomError(Exception):
    """A call to the platform did not work. `str()` is a sentence for people; `english` says the same."""

    outcome: ClassVar[str] = "error"
    """The label in the metrics."""

    def __init__(self, message: str, english: str, *, path: str) -> None:
        super().__init__(message)
        self.english = english
        self.path = path
        self.blocked_until: datetime | None = None
        """Set where the trouble concerns every call of the path: none is made before."""

    @property
    def last_word(self) -> str:
        """The sentence for what is not repeated any more: it promises nothing."""
        return str(self)

    @property
    def is_passing(self) -> bool:
        """Likely to be over in a moment: a read is simply repeated."""
        return False


class NotReached(WecomError):
    outcome = "not_reached"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"连不上企业微信（{path}：{why}），请求没有发出。请检查网络、代理和 STEWARD_WECOM_API_BASE。",
            f"{path}: not reached ({why}); nothing was sent",
            path=path,
        )

    @property
    def is_passing(self) -> bool:
        return True


class TooLate(WecomError):
    outcome = "too_late"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"执行进程停顿太久（{path}），请求没有发出。",
            f"{path}: the process stood still; nothing was sent",
            path=path,
        )


class OutcomeUnknown(WecomError):
    outcome = "outcome_unknown"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"请求已发给企业微信，但没有收到答复（{path}：{why}），可能已经生效。",
            f"{path}: sent, but the answer was lost ({why}); it may have taken effect",
            path=path,
        )


class QuotaExhausted(WecomError):
    """We kept the call back ourselves. It had no effect."""

    outcome = "kept_back"

    def __init__(self, path: str, why: str, *, until: datetime, now: datetime) -> None:
        super().__init__(
            f"暂不调用企业微信（{path}：{why}），请求没有发出；{until:%Y-%m-%d %H:%M:%S %Z} 之后会继续。",
            f"{path}: kept back ({why}) until {until.isoformat()}; nothing was sent",
            path=path,
        )
        self.why = why
        """The key of the limit that is used up, or `blocked`, or `trouble`."""
        self.until = until
        self.wait = until - now

    @property
    def last_word(self) -> str:
        return f"没有调用企业微信（{self.path}：{self.why}），请求没有发出。"


class HttpFailure(WecomError):
    outcome = "http_failure"

    def __init__(self, path: str, why: str, *, status: int | None = None) -> None:
        super().__init__(
            f"没有得到企业微信的有效答复（{path}：{why}），请求没有产生影响。请检查代理和 STEWARD_WECOM_API_BASE。",
            f"{path}: no answer of the platform ({why}); without effect",
            path=path,
        )
        self.status = status
        """The HTTP status, or None when no answer came at all."""

    @property
    def is_passing(self) -> bool:
        return self.status is None or self.status >= 500  # noqa: PLR2004 -- an error of a server


class WecomRefused(WecomError):
    def __init__(self, entry: CodeEntry, *, errmsg: str, path: str) -> None:
        self.errcode = entry.code
        self.errmsg = errmsg
        """The platform's own text: for logs only, it may change at any time."""
        found = _CALLER_IP.search(errmsg)
        self.caller_ip = found[1] if found else None
        """The address the platform saw us come from: the one to put into 企业可信IP."""
        self.meaning_zh = entry.meaning_zh
        self.meaning_en = entry.meaning_en
        self.cure_zh = entry.cure_zh.replace("{ip}", self.caller_ip or "服务器的出口 IP")
        self.cure_en = entry.cure_en.replace("{ip}", self.caller_ip or "the server's outgoing address")
        self.is_stale = entry.is_stale
        super().__init__(
            f"{self.meaning_zh}（{path}，错误码 {self.errcode}）。{self.cure_zh}",
            f"{self.meaning_en} ({path}, errcode {self.errcode}). {self.cure_en}",
            path=path,
        )

    @property
    def last_word(self) -> str:
        return f"{self.meaning_zh}（{self.path}，错误码 {self.errcode}）。"


class TryAgain(WecomRefused):
    outcome = "try_again"

    @property
    def is_passing(self) -> bool:
        return True


class WaitUntil(WecomRefused):
    outcome = "wait"

    def __init__(self, entry: CodeEntry, *, errmsg: str, path: str, until: datetime, now: datetime) -> None:
        super().__init__(entry, errmsg=errmsg, path=path)
        self.until = until
        self.wait = until - now
        """How long that was when the platform said so."""

    def lasts(self, until: datetime) -> None:
        """The block is known better than from the code alone."""
        self.wait += until - self.until
        self.until = until


class TokenRefused(WecomRefused):
    outcome = "token"


class AppRefused(WecomRefused):
    outcome = "app_refused"


class NotUnderstood(WecomRefused):
    outcome = "not_understood"


class Never(WecomRefused):
    outcome = "never"

    @property
    def last_word(self) -> str:
        return str(self)


_KINDS: dict[Action, type[WecomRefused]] = {
    Action.TRY: TryAgain,
    Action.TOKEN: TokenRefused,
    Action.APP: AppRefused,
    Action.NEVER: Never,
}


def refusal(errcode: int, errmsg: str, *, path: str, now: datetime) -> WecomRefused:
    """The error for an errcode."""
    entry = CODES.get(errcode) or unknown_code(errcode)
    if path == GETTOKEN and entry.action is Action.NEVER:
        # Whatever it is, the call that wanted the token did not get as far as the platform.
        return AppRefused(entry, errmsg=errmsg, path=path)
    if errcode not in CODES:
        return NotUnderstood(entry, errmsg=errmsg, path=path)
    if entry.action is Action.WAIT:
        window = _WINDOWS.get((errcode, path)) or entry.window or Window.MINUTE
        return WaitUntil(entry, errmsg=errmsg, path=path, until=blocked_until(window, now), now=now)
    return _KINDS[entry.action](entry, errmsg=errmsg, path=path)
