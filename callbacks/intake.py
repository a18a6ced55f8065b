"""Intake: verify, decrypt, read the header, store once, answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from pydantic import SecretStr

from app.clock import Clock
from app.database import Sessions
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
from callbacks.crypto import Keys, Signed, check_window, decrypt, verify
from callbacks.envelope import dedup_key, digest, parse, read_envelope, read_header, read_verification
from callbacks.errors import Refused
from callbacks.events import MODELS
from callbacks.group_commit import GroupCommit, Stored
from callbacks.subjects import subject_of
from models.ids import APP, CONTACTS, AppId, fold

log = get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    status: HTTPStatus
    body: bytes = b""
    media_type: str = "text/plain"


_EMPTY: Final = Answer(HTTPStatus.OK)
_LATER: Final = Answer(HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True)
class Channel:
    """One receiving address: its keys, the present ones first, and the previous ones while they rotate."""

    app_id: AppId
    keys: tuple[Keys, ...]


class Intake:
    """Everything between an HTTP request of the platform and its answer."""

    def __init__(
        self, channels: Mapping[AppId, Channel], *, window: timedelta, clock: Clock, commit: GroupCommit
    ) -> None:
        self._channels = channels
        self._window = window
        self._clock = clock
        self._commit = commit

    async def start(self) -> None:
        self._commit.start()

    async def stop(self) -> None:
        """Commit what waits."""
        await self._commit.stop()

    def verify_address(self, app_id: AppId, query: bytes) -> Answer:
        """Answer exactly the plaintext of echostr, without touching the database (F1)."""
        try:
            plaintext, _ = self._open(app_id, read_verification(query))
        except Refused as refusal:
            return self.refuse(app_id, refusal)
        CALLBACKS_TOTAL.labels(app_id, "verified").inc()
        return Answer(HTTPStatus.OK, plaintext)

    async def receive(self, app_id: AppId, query: bytes, body: bytes) -> Answer:
        """200 only after the event is committed; a repeat is a 200 without effect."""
        with CALLBACK_SECONDS.labels(app_id).time():
            try:
                arrival, reply = self._read(app_id, query, body)
            except Refused as refusal:
                return self.refuse(app_id, refusal)
            stored = await self._commit.store(arrival)
        CALLBACKS_TOTAL.labels(app_id, stored.value).inc()
        if stored is Stored.NOT_STORED:
            log.error("callback.not_stored", channel=app_id, event_type=arrival.event_type)
            return _LATER
        if stored is Stored.NEW:
            _tell_of_unknown(arrival)
        return reply

    def refuse(self, app_id: AppId, refusal: Refused) -> Answer:
        """Counted and logged by reason: never the body, a token or a signature (F2)."""
        CALLBACKS_TOTAL.labels(app_id, "refused").inc()
        CALLBACK_REFUSALS.labels(app_id, refusal.reason.value).inc()
        log.warning("callback.refused", channel=app_id, reason=refusal.reason.value, disagrees=refusal.disagrees)
        return Answer(refusal.status)

    def _read(self, app_id: AppId, query: bytes, body: bytes) -> tuple[Arrival, Answer]:
        signed = read_envelope(query, body)
        plaintext, keys = self._open(app_id, signed)
        root = parse(plaintext)
        header = read_header(root)
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
        others = [keys for channel in self._channels.values() if channel.app_id != app_id for keys in channel.keys]
        signers = verify(signed, self._channels[app_id].keys, others)
        check_window(signed.timestamp, now=self._clock.now(), window=self._window)
        return decrypt(signed.encrypted, signers)


def build_intake(settings: Settings, sessions: Sessions, clock: Clock) -> Intake:
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
    return Intake(channels, window=settings.callback_window, clock=clock, commit=GroupCommit(sessions))


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
    log.warning(
        "callback.unknown_type",
        event_type=arrival.event_type,
        to_add="a model in callbacks/events.py, a line in callbacks/handlers.py, a payload in tests/callbacks/payloads",
    )
