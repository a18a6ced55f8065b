"""Why a callback was refused. The reason is counted and logged; the answer says nothing but its status."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus


class Reason(StrEnum):
    MISSING_PARAMETER = "missing_parameter"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    NOT_UTF8 = "not_utf8"
    BAD_XML = "bad_xml"
    ENTITIES = "entities"
    WRONG_CONTENT = "wrong_content"
    BAD_SIGNATURE = "bad_signature"
    OTHER_CHANNEL = "other_channel"
    BAD_TIMESTAMP = "bad_timestamp"
    STALE_TIMESTAMP = "stale_timestamp"
    FUTURE_TIMESTAMP = "future_timestamp"
    BAD_BASE64 = "bad_base64"
    BAD_LENGTH = "bad_length"
    BAD_PADDING = "bad_padding"
    WRONG_RECEIVER = "wrong_receiver"
    UNKNOWN_CHANNEL = "unknown_channel"


_STATUS = {
    Reason.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Reason.TOO_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    Reason.UNKNOWN_CHANNEL: HTTPStatus.NOT_FOUND,
    Reason.BAD_SIGNATURE: HTTPStatus.FORBIDDEN,
    Reason.OTHER_CHANNEL: HTTPStatus.FORBIDDEN,
    Reason.BAD_TIMESTAMP: HTTPStatus.FORBIDDEN,
    Reason.STALE_TIMESTAMP: HTTPStatus.FORBIDDEN,
    Reason.FUTURE_TIMESTAMP: HTTPStatus.FORBIDDEN,
    Reason.WRONG_RECEIVER: HTTPStatus.FORBIDDEN,
}

# Which setting to look at when a signed callback of the platform is refused. The values are never printed.
_DISAGREES = {
    Reason.BAD_SIGNATURE: "token",
    Reason.OTHER_CHANNEL: "address: signed with the keys of the other channel",
    Reason.WRONG_RECEIVER: "corp_id",
    Reason.STALE_TIMESTAMP: "clock",
    Reason.FUTURE_TIMESTAMP: "clock",
}

AES_KEY = "aes_key"
OTHER_AES_KEY = "aes_key: the other channel's"


class Refused(Exception):
    """The callback is not accepted, and has no effect."""

    def __init__(self, reason: Reason, *, disagrees: str | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.disagrees = disagrees or _DISAGREES.get(reason)
        """Which setting of ours and of the platform's console disagree, where that can be told."""

    @property
    def status(self) -> HTTPStatus:
        return _STATUS.get(self.reason, HTTPStatus.BAD_REQUEST)
