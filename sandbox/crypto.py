"""Signature and encryption of callbacks, as the platform does them (doc path/91144).

Written on `cryptography` alone, so that it is evidence independent of the receiver's library.
"""

import base64
import hashlib
import secrets
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK = 32
RANDOM_BYTES = 16
LENGTH_BYTES = 4


class BadEnvelope(Exception):
    """A reply whose signature, padding, length or receiver is not what the platform accepts."""


def signature(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    joined = "".join(sorted([token, timestamp, nonce, encrypted]))
    return hashlib.sha1(joined.encode()).hexdigest()  # noqa: S324 - the platform's own scheme


def _file_cipher(aes_key: str) -> Cipher[CBC]:
    key = base64.b64decode(aes_key + "=")
    return Cipher(AES256(key), CBC(key[:16]))


def encrypt_file(aes_key: str, content: bytes) -> bytes:
    """An exported file: the content itself, padded to 32 bytes, without random part and length (doc path/94849)."""
    pad = BLOCK - len(content) % BLOCK
    encryptor = _file_cipher(aes_key).encryptor()
    return encryptor.update(content + bytes([pad]) * pad) + encryptor.finalize()


@dataclass(frozen=True)
class Cryptor:
    """One receiving endpoint's secrets. `receive_id` is the corp id for apps and contacts."""

    token: str
    aes_key: str
    receive_id: str

    @property
    def _key(self) -> bytes:
        # The last of 43 characters may carry non-zero spare bits; binascii ignores them.
        return base64.b64decode(self.aes_key + "=")

    def _cipher(self) -> Cipher[CBC]:
        return Cipher(AES256(self._key), CBC(self._key[:16]))

    def sign(self, timestamp: str, nonce: str, encrypted: str) -> str:
        return signature(self.token, timestamp, nonce, encrypted)

    def encrypt(self, message: str, *, random: bytes | None = None) -> str:
        body = message.encode()
        prefix = random if random is not None else secrets.token_bytes(RANDOM_BYTES)
        plain = prefix + struct.pack(">I", len(body)) + body + self.receive_id.encode()
        pad = BLOCK - len(plain) % BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()

    def decrypt(self, encrypted: str) -> str:
        """The message inside; `BadEnvelope` when padding, length or receiver do not fit."""
        try:
            decryptor = self._cipher().decryptor()
            padded = decryptor.update(base64.b64decode(encrypted, validate=True)) + decryptor.finalize()
        except ValueError as error:
            raise BadEnvelope("not a ciphertext of ours") from error
        return self._unpack(padded)

    def _unpack(self, padded: bytes) -> str:
        pad = padded[-1] if padded else 0
        if not 1 <= pad <= BLOCK or padded[-pad:] != bytes([pad]) * pad:
            raise BadEnvelope("bad padding")
        plain = padded[:-pad]
        start = RANDOM_BYTES + LENGTH_BYTES
        if len(plain) < start:
            raise BadEnvelope("too short")
        (length,) = struct.unpack(">I", plain[RANDOM_BYTES:start])
        if start + length > len(plain):
            raise BadEnvelope("length outside the buffer")
        if plain[start + length :].decode(errors="replace") != self.receive_id:
            raise BadEnvelope("receiveid does not match")
        return plain[start : start + length].decode()
