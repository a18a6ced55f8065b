from __future__ import annotations

import pytest
from pydantic import SecretStr

from app.wecom.tokens.secrets import OtherSecretKey, SecretBox

BOX = SecretBox(SecretStr("the-key-of-this-installation-0123456789"))
OTHER = SecretBox(SecretStr("the-key-of-another-installation-0123456"))


class TestSecretsAtRest:
    """Secrets are never stored plain (F112)."""

    def test_come_back_as_they_were(self) -> None:
        assert BOX.decrypt(BOX.encrypt("令牌 token")) == "令牌 token"

    def test_never_look_the_same_twice_and_never_like_themselves(self) -> None:
        assert BOX.encrypt("token") != BOX.encrypt("token")
        assert "token" not in BOX.encrypt("token")

    @pytest.mark.parametrize(
        "sealed",
        [OTHER.encrypt("token"), "", "damaged", BOX.encrypt("token")[:-3]],
        # Sealed texts differ each time; workers that run in parallel must agree on the names of tests.
        ids=["another key", "empty", "damaged", "cut"],
    )
    def test_a_changed_key_is_said_clearly(self, sealed: str) -> None:
        with pytest.raises(OtherSecretKey, match="STEWARD_SECRET_KEY 与保存数据时使用的不同"):
            BOX.decrypt(sealed)

    def test_a_fingerprint_tells_secrets_apart_and_belongs_to_the_key(self) -> None:
        assert BOX.fingerprint("a") == BOX.fingerprint("a")
        assert BOX.fingerprint("a") != BOX.fingerprint("b")
        assert BOX.fingerprint("a") != OTHER.fingerprint("a")
