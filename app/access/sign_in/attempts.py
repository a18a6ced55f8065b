"""On the way to WeCom and back: each state belongs to one browser and is used once, within minutes (D20)."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode, urlsplit

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.sign_in.tokens import hashed, new_state
from app.settings import WecomSettings
from models.access import AccessLink, SignInAttempt

LIFETIME: Final = timedelta(minutes=10)
KEPT: Final = timedelta(days=1)
LONGEST_PATH: Final = 1_000


_SEAL: Final = 48
_STATE: Final = re.compile(r"(?P<sealed>(?P<way>[cd])(?P<until>[0-9a-f]{10})[0-9a-f]{48})(?P<seal>[0-9a-f]{48})")
"""Letters and digits, and fewer than the 128 that WeCom takes (callbacks §6.1)."""


class Way(StrEnum):
    """How somebody says who they are."""

    CLIENT = "client"  # inside WeCom, silently
    DESKTOP = "desktop"  # a QR code to scan, or the panel of the desktop client
    LINK = "link"  # the one-time link of `steward access link`


_LETTERS: Final = {Way.CLIENT: "c", Way.DESKTOP: "d"}
_WAYS: Final = {letter: way for way, letter in _LETTERS.items()}


@dataclass(frozen=True)
class Attempt:
    """What is asked of WeCom, and where the browser goes afterwards."""

    state: str
    way: Way
    return_path: str


def own_path(path: str | None, *, otherwise: str) -> str:
    """The path, if it leads to a page of ours; nobody is sent elsewhere after signing in.

    Browsers read a backslash as a slash and drop control characters: two slashes, or one with either of them, leave.
    """
    if not path or len(path) > LONGEST_PATH or not path.startswith("/") or not path.isprintable() or "\\" in path:
        return otherwise
    try:
        parts = urlsplit(path)
    except ValueError:
        return otherwise
    return path if not parts.scheme and not parts.netloc and not path.startswith("//") else otherwise


def begin_attempt(*, browser: str, way: Way, return_path: str, now: datetime) -> Attempt:
    """`browser` is the value of a cookie that only this browser has: the state is sealed with it, so that nothing is
    kept of whoever only goes away, however often they do.
    """
    sealed = f"{_LETTERS[way]}{int((now + LIFETIME).timestamp()):010x}{new_state()}"
    return Attempt(sealed + _seal(sealed, browser), way, return_path)


async def spend_attempt(
    session: AsyncSession, *, state: str, browser: str, return_path: str, now: datetime
) -> Attempt | None:
    """The attempt that this state began; None when it was used, is too old, or began in another browser.

    `return_path` is a page of ours (`own_path`), wherever the address has it from.
    """
    read = _STATE.fullmatch(state)
    # Everybody could seal with no cookie.
    if read is None or not browser or not hmac.compare_digest(read["seal"], _seal(read["sealed"], browser)):
        return None
    expires_at = datetime.fromtimestamp(int(read["until"], 16), UTC)
    if not now < expires_at <= now + LIFETIME:
        return None
    way = _WAYS[read["way"]]
    once = (
        insert(SignInAttempt)
        .values(
            state_hash=hashed(state),
            browser_hash=hashed(browser),
            return_path=return_path,
            way=way.value,
            created_at=now,
            expires_at=expires_at,
            spent_at=now,
        )
        .on_conflict_do_nothing()
        .returning(col(SignInAttempt.way))
    )
    is_first = (await session.execute(once)).first() is not None
    return Attempt(state, way, return_path) if is_first else None


def _seal(sealed: str, browser: str) -> str:
    return hmac.new(browser.encode("utf-8", "surrogatepass"), sealed.encode(), "sha256").hexdigest()[:_SEAL]


def address_of(attempt: Attempt, wecom: WecomSettings, *, back: str) -> str:
    """Where the browser is sent (callbacks §6.1, §6.2). `back` is our own address for the answer."""
    if attempt.way is Way.CLIENT:
        query = {
            "appid": wecom.corp_id,
            "redirect_uri": back,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": attempt.state,
            "agentid": wecom.agent_id,
        }
        return f"{wecom.authorize_url}?{urlencode(query)}#wechat_redirect"
    query = {
        "login_type": "CorpApp",
        "appid": wecom.corp_id,
        "agentid": wecom.agent_id,
        "redirect_uri": back,
        "state": attempt.state,
        "lang": "zh",
    }
    return f"{wecom.login_url}?{urlencode(query)}"


async def forget_old(session: AsyncSession, *, now: datetime) -> None:
    """Attempts and links that nobody can use any more."""
    await session.execute(delete(SignInAttempt).where(col(SignInAttempt.created_at) < now - KEPT))
    await session.execute(delete(AccessLink).where(col(AccessLink.expires_at) < now - KEPT))
