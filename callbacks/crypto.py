"""Signature and encryption of callbacks: pure, no settings, no clock of its own.

wechatpy computes signatures and ciphers. Around it stands what it leaves out: it compares signatures with `!=`,
slices by an unchecked length, takes any padding byte, and knows no time window (D9).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from wechatpy.enterprise.crypto import PrpCrypto, WeChatCrypto
from wechatpy.utils import WeChatSigner

from callbacks.errors import AES_KEY, OTHER_AES_KEY, Reason, Refused

_AES_BLOCK: Final = 16
_PAD_BLOCK: Final = 32  # PKCS#7 to 32, not to the cipher's 16: 17…32 are legal
_HEAD: Final = 20  # 16 random bytes, then the length in 4
_EXAMINED: Final = 16 * 1024  # a ciphertext that is decrypted only to say what is wrong with it


@dataclass(frozen=True, slots=True)
class Signed:
    """What the query string and the envelope say, before anything is believed."""

    signature: str
    timestamp: str
    nonce: str
    encrypted: str


OWN_NONCE: Final = "steward-doctor-"
"""What the nonce of `steward doctor` begins with. It is signed with everything else, and the platform's are letters and
digits: asking ourselves says nothing about what is saved in the console.
"""


def is_own(signed: Signed) -> bool:
    return signed.nonce.startswith(OWN_NONCE)


@dataclass(frozen=True)
class Keys:
    """One Token and EncodingAESKey of one receiving address."""

    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    corp_id: str
    _crypto: Any = field(init=False, repr=False, compare=False)
    _cipher: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The key's last character may carry spare bits (the official sample's does): wechatpy's decoder is lenient.
        if not re.fullmatch(r"[A-Za-z0-9]{43}", self.aes_key):
            raise ValueError("an EncodingAESKey is exactly 43 letters and digits")
        object.__setattr__(self, "_crypto", WeChatCrypto(self.token, self.aes_key, self.corp_id))
        object.__setattr__(self, "_cipher", PrpCrypto(self._crypto.key).cipher)

    def sign(self, timestamp: str, nonce: str, encrypted: str) -> str:
        signer = WeChatSigner()
        signer.add_data(self.token, timestamp, nonce, encrypted)
        return str(signer.signature)

    def has_signed(self, signed: Signed) -> bool:
        """Constant time, over the bytes as given."""
        expected = self.sign(signed.timestamp, signed.nonce, signed.encrypted)
        return hmac.compare_digest(expected.encode(), signed.signature.encode())

    def open(self, encrypted: str) -> bytes:
        """The message inside a ciphertext; refused when padding, length or receiver do not fit."""
        return _unpack(self._cipher.decrypt(_ciphertext(encrypted)), self.corp_id.encode())

    def seal(self, plaintext: str, *, nonce: str, timestamp: str) -> str:
        """The encrypted and signed envelope of a passive reply."""
        return str(self._crypto.encrypt_message(plaintext, nonce, timestamp))


def verify(signed: Signed, keys: Sequence[Keys], others: Sequence[Keys] = ()) -> list[Keys]:
    """Those of `keys` that have signed this; refused when none has.

    `others` are the other channel's keys: a callback signed with them came to the wrong address, and saying so
    saves an afternoon.
    """
    if signers := [pair for pair in keys if pair.has_signed(signed)]:
        return signers
    mistaken = any(pair.has_signed(signed) for pair in others)
    raise Refused(Reason.OTHER_CHANNEL if mistaken else Reason.BAD_SIGNATURE)


def decrypt(encrypted: str, signers: Sequence[Keys], others: Sequence[Keys] = ()) -> tuple[bytes, Keys]:
    """The message and the keys that opened it. While keys rotate, several may share the token that signed.

    `others` are the other channel's keys: the AES keys of the two may have changed places.
    """
    refusals: list[Refused] = []
    for keys in signers:
        try:
            return keys.open(encrypted), keys
        except Refused as refusal:
            refusals.append(refusal)
    # A receiver that differs was decrypted correctly, and says more than a key that does not fit.
    telling = next((each for each in refusals if each.reason is Reason.WRONG_RECEIVER), refusals[0])
    if telling.disagrees == AES_KEY and len(encrypted) <= _EXAMINED and _opened_by(others, encrypted):
        raise Refused(telling.reason, disagrees=OTHER_AES_KEY)
    raise telling


def examine(signed: Signed, keys: Sequence[Keys]) -> str:
    """Which settings disagree about a callback that none of `keys` has signed; empty when it was not looked at.

    A ciphertext that our AES key opens was made by the platform: then the token alone differs. Not for the request
    path: nothing is decrypted for a stranger who waits for the answer.
    """
    if len(signed.encrypted) > _EXAMINED:
        return ""
    answers = [_opening(pair, signed.encrypted) for pair in keys]
    if None in answers:
        return "token"
    return "token, corp_id" if Reason.WRONG_RECEIVER in answers else "token, aes_key"


def _opened_by(keys: Sequence[Keys], encrypted: str) -> bool:
    return any(_opening(pair, encrypted) in {None, Reason.WRONG_RECEIVER} for pair in keys)


def _opening(keys: Keys, encrypted: str) -> Reason | None:
    try:
        keys.open(encrypted)
    except Refused as refusal:
        return refusal.reason
    return None


def _ciphertext(encrypted: str) -> bytes:
    try:
        ciphertext = base64.b64decode(encrypted.encode(), validate=True)
    except binascii.Error as error:
        raise Refused(Reason.BAD_BASE64) from error
    if not ciphertext or len(ciphertext) % _AES_BLOCK:
        raise Refused(Reason.BAD_LENGTH)
    return ciphertext


def _unpack(padded: bytes, receiver: bytes) -> bytes:
    pad = padded[-1]
    if not 1 <= pad <= _PAD_BLOCK or padded[-pad:] != bytes([pad]) * pad:
        raise Refused(Reason.BAD_PADDING, disagrees=AES_KEY)
    plain = padded[:-pad]
    if len(plain) < _HEAD:
        raise Refused(Reason.BAD_LENGTH, disagrees=AES_KEY)
    (length,) = struct.unpack(">I", plain[_HEAD - 4 : _HEAD])
    if _HEAD + length > len(plain):
        raise Refused(Reason.BAD_LENGTH, disagrees=AES_KEY)
    if not hmac.compare_digest(plain[_HEAD + length :], receiver):
        raise Refused(Reason.WRONG_RECEIVER)
    return plain[_HEAD : _HEAD + length]
