"""Secrets at rest: what the database keeps of tokens and keys is encrypted under SECRET_KEY (F112)."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

# Part of every derived key. Another text here makes every stored secret unreadable.
_ENCRYPTION = b"wecom-steward: secrets at rest, v1"
_FINGERPRINTS = b"wecom-steward: fingerprints, v1"


class OtherSecretKey(Exception):
    """The stored value was encrypted under another SECRET_KEY (or was damaged)."""

    def __init__(self) -> None:
        super().__init__(
            "STEWARD_SECRET_KEY 与保存数据时使用的不同，无法解密：请恢复原来的密钥。"
            "(the stored secrets were encrypted under another STEWARD_SECRET_KEY: restore it)"
        )


class SecretBox:
    """Encrypts short texts. The same text never looks the same twice."""

    def __init__(self, secret_key: SecretStr) -> None:
        key = secret_key.get_secret_value().encode()
        self._fernet = Fernet(base64.urlsafe_b64encode(_derive(key, _ENCRYPTION)))
        self._fingerprint_key = _derive(key, _FINGERPRINTS)

    def encrypt(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def decrypt(self, sealed: str) -> str:
        """Raises `OtherSecretKey` for anything that this key did not seal."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise OtherSecretKey from None

    def fingerprint(self, text: str) -> str:
        """Tells two secrets apart without telling either; useless without the key."""
        return hmac.new(self._fingerprint_key, text.encode(), hashlib.sha256).hexdigest()[:16]


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)
