"""Whether an answer counts, and what is confirmed. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.audit.seal import canonical
from app.confirmations.errors import AlreadyAnswered, OwnConfirmation, SameHand, SomethingElse
from models.confirmations import Confirmation, ConfirmationState

EXPIRES_AFTER: Final = timedelta(days=3)
"""Long enough for a weekend, and short enough that what was asked is still what is meant."""

_OVER: Final = {
    ConfirmationState.CONFIRMED: ("已确认并执行", "confirmed and carried out"),
    ConfirmationState.REFUSED: ("已被拒绝", "refused"),
    ConfirmationState.WITHDRAWN: ("已由提出人撤回", "withdrawn by who had asked"),
    ConfirmationState.EXPIRED: ("已过期", "expired"),
}


def digest_of(act: str, payload: dict[str, Any]) -> bytes:
    return hashlib.sha256(canonical({"act": act, "payload": payload})).digest()


def check_open(row: Confirmation, *, now: datetime) -> None:
    """Raises `AlreadyAnswered`, also between the moment it expires and the timer that says so."""
    state = row.state
    if state is ConfirmationState.ASKED and now >= row.expires_at:
        state = ConfirmationState.EXPIRED
    if state is not ConfirmationState.ASKED:
        chinese, english = _OVER[state]
        raise AlreadyAnswered(f"这项操作{chinese}", f"It was {english}", state=state.value)


def check_other_person(row: Confirmation, person_id: UUID, *, recorded_by: str | None) -> None:
    """Never who has asked, and never the program that has asked. Raises `OwnConfirmation`, `SameHand`."""
    if person_id == row.asked_by:
        raise OwnConfirmation(
            "这是您自己提出的操作，需要另一个人确认", "You have asked for it yourself: somebody else has to confirm"
        )
    if row.asked_with is not None and row.asked_with == recorded_by:
        raise SameHand(
            "这项操作是用同一个接口密钥提出的；请确认人在卡片上或用另一个密钥确认",
            "The same API key has passed it on: confirm on the card, or with another key",
        )


def check_hands(asking: set[str], answering: set[str]) -> None:
    """Whoever made a key knows it, and can speak through it as anybody it acts for. Raises `SameHand`."""
    if asking & answering:
        raise SameHand(
            "提出和确认经的是同一双手：所用的接口密钥是对方创建的，或两个密钥由同一人创建；请在卡片或页面上确认，"
            "或用另一个人创建的密钥",
            "One hand asks and confirms: the key was made by the other side, or both keys by the same: confirm on the "
            "card or its page, or with a key that somebody else has made",
        )


def check_same(row: Confirmation, *, seen: str | None) -> None:
    """What is stored is what was asked, and what the confirmer has seen. Raises `SomethingElse`."""
    stored = digest_of(row.act, row.payload)
    if stored != row.payload_digest or seen not in {None, stored.hex()}:
        raise SomethingElse(
            "这项操作的内容与提出时不符，请重新查看", "It is not what was asked, or not what you have seen: look again"
        )


def check_as_asked(row: Confirmation, now: Sequence[tuple[str, str]]) -> None:
    """A card shows what was so when it was asked. Raises `SomethingElse` when it would do something else by now."""
    asked = dict(row.fields)
    changed = [name for name, value in now if asked.get(name) != value]
    if changed:
        raise SomethingElse(
            f"提出之后情况变了（{'、'.join(changed)}），请打开页面看过现在会怎样，再答复",
            f"It has changed since it was asked ({', '.join(changed)}): open its page, look, and answer there",
        )
