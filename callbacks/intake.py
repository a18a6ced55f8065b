"""Intake: verify, decrypt, read the header, store once, answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from time import perf_counter
from typing import Final

from pydantic import SecretStr

from app.clock import Clock
from app.database import Sessions
from app.inbox.messages import explain_refusal
from app.inbox.rules import UNREADABLE
from app.inbox.service import Arrival
from app.observability import (
    CALLBACK_REFUSALS,
    CALLBACK_SECONDS,
    CALLBACKS_TOTAL,
    UNKNOWN_EVENTS,
    current_correlation_id,
    get_logger,
)
from app.settings import Settings
from callbacks import passive
from callbacks.crypto import Keys, Signed, decrypt, examine, is_own, verify
from callbacks.deduplication import dedup_key, digest
from callbacks.envelope import PROVIDER, read_envelope, read_verification
from callbacks.errors import Reason, Refused
from callbacks.events import MODELS
from callbacks.group_commit import MOST_HELD, GroupCommit, HungUp, Stored
from callbacks.plaintext import read_plaintext
from callbacks.replay_window import check_window
from callbacks.subjects import subject_of
from callbacks.watch import Watch
from listening.open_files import room_for
from models.ids import APP, CONTACTS, AppId, fold

log = get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    status: HTTPStatus
    body: bytes = b""
    media_type: str = "text/plain"
    headers: tuple[tuple[bytes, bytes], ...] = ()


_EMPTY: Final = Answer(HTTPStatus.OK)
_LATER: Final = Answer(HTTPStatus.SERVICE_UNAVAILABLE)
_ACCEPTED: Final = frozenset({Stored.NEW, Stored.DUPLICATE})


@dataclass(frozen=True)
class Channel:
    """One receiving address: its keys, the present ones first, and the previous ones while they rotate."""

    app_id: AppId
    keys: tuple[Keys, ...]


class Intake:
    """Everything between an HTTP request of the platform and its answer."""

    def __init__(
        self,
        channels: Mapping[AppId, Channel],
        *,
        window: timedelta,
        clock: Clock,
        commit: GroupCommit,
        sessions: Sessions,
    ) -> None:
        self._channels = channels
        self._others = {
            app_id: [keys for channel in channels.values() if channel.app_id != app_id for keys in channel.keys]
            for app_id in channels
        }
        self._seconds = {app_id: CALLBACK_SECONDS.labels(app_id) for app_id in channels}
        self._window = window
        self._clock = clock
        self._commit = commit
        self.watch = Watch(sessions, clock, commit, channels=tuple(channels), examine=self._examine)

    async def start(self) -> None:
        self._commit.start()
        self.watch.start()

    def drain(self) -> None:
        """The process is about to end: nobody is held for long any more."""
        self._commit.drain()

    async def stop(self) -> None:
        """Commit what waits."""
        await self._commit.stop()
        await self.watch.stop()

    def knows(self, channel: str) -> bool:
        return channel in self._channels

    def verify_address(self, app_id: AppId, query: bytes, *, caller: str = "") -> Answer:
        """Answer exactly the plaintext of echostr, without touching the database (F1)."""
        signed: Signed | None = None
        try:
            signed = read_verification(query)
            plaintext, _ = self._open(app_id, signed)
        except Refused as refusal:
            return self.refuse(app_id, refusal, caller=caller, signed=signed)
        # The doctor's own question says nothing about what is saved in the console.
        if not is_own(signed):
            self.watch.verified(app_id, self._clock.now())
        CALLBACKS_TOTAL.labels(app_id, "verified").inc()
        return Answer(HTTPStatus.OK, plaintext)

    async def receive(
        self, app_id: AppId, query: bytes, body: bytes, *, caller: str = "", hung_up: HungUp | None = None
    ) -> Answer:
        """200 only after the event is committed; a repeat is a 200 without effect.

        While the database is away this does not return before it is back, or the caller has `hung_up`.
        """
        began = perf_counter()
        signed: Signed | None = None
        try:
            signed = read_envelope(query, body)
            arrival, reply = self._read(app_id, signed)
            stored = await self._commit.store(arrival, hung_up)
        except Refused as refusal:
            return self.refuse(app_id, refusal, caller=caller, signed=signed)
        finally:
            self._seconds[app_id].observe(perf_counter() - began)
        CALLBACKS_TOTAL.labels(app_id, stored.value).inc()
        self.watch.verified(app_id, arrival.received_at)
        if stored is Stored.NOT_STORED:
            log.error("callback.not_stored", channel=app_id, event_type=arrival.event_type)
        if stored is Stored.NEW:
            _tell_of_unknown(arrival)
        return reply if stored in _ACCEPTED else _LATER

    def refuse(self, channel: str, refusal: Refused, *, caller: str = "", signed: Signed | None = None) -> Answer:
        """Counted, logged and kept by reason: never the body, a token or a signature (F2)."""
        CALLBACKS_TOTAL.labels(channel, "refused").inc()
        CALLBACK_REFUSALS.labels(channel, refusal.reason.value).inc()
        is_told = self.watch.turned_away.note(
            channel,
            refusal,
            caller=caller,
            now=self._clock.now(),
            correlation_id=current_correlation_id(),
            # Whose token has not signed it may still be the platform: that is found out later, and not here.
            signed=signed if refusal.reason is Reason.BAD_SIGNATURE else None,
            is_own=signed is not None and is_own(signed),
        )
        if is_told:
            log.warning(
                "callback.refused",
                channel=channel,
                reason=refusal.reason.value,
                disagrees=refusal.disagrees,
                caller=caller,
                explanation=explain_refusal(refusal.reason.value),
            )
        return Answer(refusal.status)

    def _read(self, app_id: AppId, signed: Signed) -> tuple[Arrival, Answer]:
        plaintext, keys = self._open(app_id, signed)
        root, header = read_plaintext(plaintext)
        now = self._clock.now()
        arrival = Arrival(
            app_id=app_id,
            dedup_key=dedup_key(app_id, keys.corp_id, plaintext, header.message_id),
            event_type=header.event_type,
            subject=subject_of(root, header),
            actor_userid=fold(header.sender),
            occurred_at=header.created_at or now,
            received_at=now,
            body=plaintext,
            body_digest=digest(plaintext),
            correlation_id=current_correlation_id(),
        )
        reply = passive.reply_to(root, header)
        return arrival, _EMPTY if reply is None else _sealed(reply, keys, signed, now)

    def _open(self, app_id: AppId, signed: Signed) -> tuple[bytes, Keys]:
        """Verify, then the window, then decrypt: nothing is decrypted for a stranger."""
        others = self._others[app_id]
        signers = verify(signed, self._channels[app_id].keys, others)
        check_window(signed.timestamp, now=self._clock.now(), window=self._window)
        return decrypt(signed.encrypted, signers, others)

    def _examine(self, channel: str, signed: Signed) -> str:
        return examine(signed, self._channels[AppId(channel)].keys)


def build_intake(settings: Settings, sessions: Sessions, clock: Clock, *, writer: Sessions | None = None) -> Intake:
    """`writer` may be a connection of its own for storing events (`create_writer`)."""
    wecom = settings.wecom
    channels = {
        APP: Channel(
            APP,
            _keys(
                wecom.corp_id,
                (wecom.app_token, wecom.app_aes_key),
                (wecom.app_previous_token, wecom.app_previous_aes_key),
            ),
        ),
        CONTACTS: Channel(
            CONTACTS,
            _keys(
                wecom.corp_id,
                (wecom.contacts_token, wecom.contacts_aes_key),
                (wecom.contacts_previous_token, wecom.contacts_previous_aes_key),
            ),
        ),
    }
    commit = GroupCommit(writer or sessions, held=room_for(MOST_HELD))
    return Intake(channels, window=settings.callback_window, clock=clock, commit=commit, sessions=sessions)


def _keys(
    corp_id: str, present: tuple[SecretStr, SecretStr], previous: tuple[SecretStr | None, SecretStr | None]
) -> tuple[Keys, ...]:
    """The pairs to try. Token and AES key may be rotated together or one at a time, saved in any order."""
    tokens = [present[0], *([previous[0]] if previous[0] else [])]
    aes_keys = [present[1], *([previous[1]] if previous[1] else [])]
    return tuple(
        Keys(token.get_secret_value(), aes_key.get_secret_value(), corp_id) for token in tokens for aes_key in aes_keys
    )


def _sealed(reply: str, keys: Keys, signed: Signed, now: datetime) -> Answer:
    timestamp = str(int(now.timestamp()))
    body = passive.seal(reply, keys, nonce=signed.nonce, timestamp=timestamp)
    return Answer(HTTPStatus.OK, body, "application/xml")


def _tell_of_unknown(arrival: Arrival) -> None:
    if arrival.event_type in MODELS:
        return
    UNKNOWN_EVENTS.labels(arrival.event_type).inc()
    if arrival.event_type.startswith((UNREADABLE, PROVIDER)):
        log.warning(
            "callback.not_for_us", event_type=arrival.event_type, to_see="steward callbacks list --state unknown"
        )
        return
    log.warning(
        "callback.unknown_type",
        event_type=arrival.event_type,
        to_add="a model in callbacks/events.py, a line in callbacks/handlers.py, a payload in tests/callbacks/payloads",
    )
