"""What makes two requests of the platform the same event (P2)."""

from __future__ import annotations

import hashlib


def digest(plaintext: bytes) -> bytes:
    return hashlib.sha256(plaintext).digest()


def dedup_key(app_id: str, corp_id: str, plaintext: bytes, message_id: str) -> bytes:
    """Receiver, digest of the decrypted body, and MsgId.

    The platform's own advice (FromUserName and CreateTime) loses real events (callbacks §1.7); ciphertext, nonce and
    signature differ between attempts.
    """
    receiver = hashlib.sha256(f"{app_id}\n{corp_id}\n{message_id}\n".encode())
    receiver.update(digest(plaintext))
    return receiver.digest()
