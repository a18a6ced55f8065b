"""F2–F4: signature, window, padding, length and receiver, against foreign data and against a fuzzer."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.enterprise.crypto import WeChatCrypto

from callbacks.crypto import Keys, Signed, decrypt, verify
from callbacks.envelope import read_verification
from callbacks.errors import Reason, Refused
from callbacks.replay_window import check_window
from sandbox.crypto import Cryptor

OFFICIAL = Keys("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7")
OFFICIAL_ECHO = Signed(
    "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
    "1409659589",
    "263014780",
    "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
)

OURS_TOKEN = "simtoken01"
OURS_KEY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPE"
OURS = Keys(OURS_TOKEN, OURS_KEY, "wwsim0000000000001")


def refused_for(keys: Keys, encrypted: str) -> Reason:
    with pytest.raises(Refused) as refusal:
        decrypt(encrypted, [keys])
    return refusal.value.reason


def encrypt_raw(plain: bytes, *, pad: bytes | None = None) -> str:
    """Any bytes under our key, with any padding."""
    size = 32 - len(plain) % 32
    key = base64.b64decode(OURS_KEY + "=")
    encryptor = Cipher(AES256(key), CBC(key[:16])).encryptor()
    padded = plain + (bytes([size]) * size if pad is None else pad)
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


class TestForeignData:
    """callbacks §1.5: what other implementations have sealed must open here."""

    def test_the_official_sample_opens_although_its_key_has_spare_bits(self) -> None:
        signers = verify(OFFICIAL_ECHO, [OFFICIAL])

        assert decrypt(OFFICIAL_ECHO.encrypted, signers) == (b"1616140317555161061", OFFICIAL)

    def test_the_official_sample_opens_from_its_query_string(self) -> None:
        query = (
            b"msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780"
            b"&echostr=P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%2B4RPcs8TgAE7OaBO%2BFZXvnaqQ%3D%3D"
        )

        assert read_verification(query) == OFFICIAL_ECHO

    @pytest.mark.parametrize(
        ("receiver", "timestamp", "nonce", "encrypted", "signature", "message"),
        [
            (
                "wwsim0000000000001",
                "1700000000",
                "nonce42",
                "gcnngd0g8EaBqM1asS1Df+8NN0bFHl2u6lAXYvb/09WEjvAMSj2nCsjmkAOtP00C5mXRZ1nL3W8UovJArrOXYw==",
                "85e091c10792850f6df5d48c4fc8e67d181bcd2c",
                b"8675309001",
            ),
            (
                "",
                "1700000002",
                "nonce44",
                "gcnngd0g8EaBqM1asS1Df5RIMGp/Hsm2oaYg1oaKUoOgd8mjOqfPY4fH0/GlN6934K8/8qyucW3QsqszDxnURw==",
                "a2ee40d2772f04b9670fd58a2b3beb9ce847d911",
                b'{"msgid":"m1"}',
            ),
        ],
        ids=["echostr", "robot"],
    )
    def test_the_vectors_of_our_notes_open(
        self, receiver: str, timestamp: str, nonce: str, encrypted: str, signature: str, message: bytes
    ) -> None:
        keys = Keys(OURS_TOKEN, OURS_KEY, receiver)

        assert keys.sign(timestamp, nonce, encrypted) == signature
        assert decrypt(encrypted, verify(Signed(signature, timestamp, nonce, encrypted), [keys]))[0] == message

    @given(message=st.text(min_size=1, max_size=200))
    def test_what_wechatpy_seals_opens_here(self, message: str) -> None:
        sealed = WeChatCrypto(OURS_TOKEN, OURS_KEY, OURS.corp_id).encrypt_message(message, "n", "1700000000")
        encrypted = sealed.split("<![CDATA[")[1].split("]]>")[0]

        assert OURS.open(encrypted) == message.encode()

    @given(message=st.text(max_size=200))
    def test_every_padding_from_1_to_32_is_legal(self, message: str) -> None:
        assert OURS.open(Cryptor(OURS_TOKEN, OURS_KEY, OURS.corp_id).encrypt(message)) == message.encode()


class TestTheSignatureIsCheckedFirst:
    """F2: a bad signature has no effect; nothing is decrypted for a stranger."""

    @pytest.mark.parametrize("field", ["signature", "timestamp", "nonce", "encrypted"])
    def test_any_changed_part_is_refused(self, field: str) -> None:
        parts = {name: getattr(OFFICIAL_ECHO, name) for name in ("signature", "timestamp", "nonce", "encrypted")}
        parts[field] = parts[field][:-1] + ("1" if parts[field][-1] != "1" else "2")

        with pytest.raises(Refused) as refusal:
            verify(Signed(**parts), [OFFICIAL])
        assert (refusal.value.reason, refusal.value.disagrees) == (Reason.BAD_SIGNATURE, "token")

    def test_a_signature_outside_ascii_is_a_bad_signature(self) -> None:
        with pytest.raises(Refused, match="bad_signature"):
            verify(Signed("签名", "1", "2", "3"), [OFFICIAL])

    def test_keys_of_the_other_channel_are_named_as_such(self) -> None:
        with pytest.raises(Refused) as refusal:
            verify(OFFICIAL_ECHO, [OURS], [OFFICIAL])
        assert refusal.value.reason is Reason.OTHER_CHANNEL

    def test_secrets_do_not_show_in_a_printout(self) -> None:
        assert OURS_TOKEN not in repr(OURS)
        assert OURS_KEY not in repr(OURS)

    def test_a_key_of_another_length_is_refused_at_start(self) -> None:
        with pytest.raises(ValueError, match="43"):
            Keys("token", "short", "corp")


class TestTheWindow:
    """F3: a replay window on the timestamp, on both sides of the clock."""

    NOW = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)  # 1700000000
    WINDOW = timedelta(minutes=5)

    @pytest.mark.parametrize("timestamp", ["1700000000", "1699999700", "1700000300"])
    def test_five_minutes_either_way_are_accepted(self, timestamp: str) -> None:
        check_window(timestamp, now=self.NOW, window=self.WINDOW)

    @pytest.mark.parametrize(
        ("timestamp", "reason"),
        [
            ("1699999699", Reason.STALE_TIMESTAMP),
            ("1700000301", Reason.FUTURE_TIMESTAMP),
            ("99999999999", Reason.FUTURE_TIMESTAMP),
            ("0", Reason.STALE_TIMESTAMP),
            ("", Reason.BAD_TIMESTAMP),
            ("-1700000000", Reason.BAD_TIMESTAMP),
            ("17e8", Reason.BAD_TIMESTAMP),
            ("١٧٠٠٠٠٠٠٠٠", Reason.BAD_TIMESTAMP),
            ("9" * 400, Reason.BAD_TIMESTAMP),
        ],
    )
    def test_outside_it_is_refused_with_the_side(self, timestamp: str, reason: Reason) -> None:
        with pytest.raises(Refused) as refusal:
            check_window(timestamp, now=self.NOW, window=self.WINDOW)
        assert refusal.value.reason is reason


class TestWhichSettingDisagrees:
    """Verification failures say which of token, AES key and corp id disagrees, without printing them."""

    SEALED = Cryptor(OURS_TOKEN, OURS_KEY, OURS.corp_id).encrypt("<xml/>")

    def test_another_aes_key(self) -> None:
        with pytest.raises(Refused) as refusal:
            decrypt(self.SEALED, [Keys(OURS_TOKEN, OFFICIAL.aes_key, OURS.corp_id)])
        assert refusal.value.disagrees == "aes_key"

    def test_another_corp_id(self) -> None:
        with pytest.raises(Refused) as refusal:
            decrypt(self.SEALED, [Keys(OURS_TOKEN, OURS_KEY, "wwother")])
        assert (refusal.value.reason, refusal.value.disagrees) == (Reason.WRONG_RECEIVER, "corp_id")

    def test_while_keys_rotate_the_receiver_still_says_more_than_the_old_key(self) -> None:
        rotating = [Keys(OURS_TOKEN, OFFICIAL.aes_key, "wwother"), Keys(OURS_TOKEN, OURS_KEY, "wwother")]

        with pytest.raises(Refused) as refusal:
            decrypt(self.SEALED, rotating)
        assert refusal.value.reason is Reason.WRONG_RECEIVER


class TestRotation:
    """The previous token and AES key are accepted for a while."""

    def test_the_previous_pair_opens_what_it_sealed(self) -> None:
        present = Keys("newtoken", OFFICIAL.aes_key, OURS.corp_id)
        sealed = Cryptor(OURS_TOKEN, OURS_KEY, OURS.corp_id).encrypt("hello")
        signed = Signed(OURS.sign("1", "n", sealed), "1", "n", sealed)

        assert decrypt(sealed, verify(signed, [present, OURS])) == (b"hello", OURS)

    def test_an_aes_key_rotated_under_the_same_token(self) -> None:
        present = Keys(OURS_TOKEN, OFFICIAL.aes_key, OURS.corp_id)
        sealed = Cryptor(OURS_TOKEN, OURS_KEY, OURS.corp_id).encrypt("hello")
        signed = Signed(OURS.sign("1", "n", sealed), "1", "n", sealed)

        assert decrypt(sealed, verify(signed, [present, OURS])) == (b"hello", OURS)


class TestBounds:
    """callbacks §7: check pad and length before slicing; a wrong key yields a random length."""

    HEAD = b"0123456789abcdef"

    def test_not_base64(self) -> None:
        assert refused_for(OURS, "!!!!") is Reason.BAD_BASE64
        assert refused_for(OURS, "汉字") is Reason.BAD_BASE64

    @pytest.mark.parametrize("length", [0, 1, 15, 17])
    def test_not_whole_blocks(self, length: int) -> None:
        assert refused_for(OURS, base64.b64encode(b"x" * length).decode()) is Reason.BAD_LENGTH

    @pytest.mark.parametrize("pad", [b"\x00" * 12, b"\x21" * 12, b"\x01" * 11 + b"\x0c"])
    def test_padding_of_zero_beyond_32_or_uneven(self, pad: bytes) -> None:
        assert refused_for(OURS, encrypt_raw(self.HEAD + b"\x00\x00\x00\x00", pad=pad)) is Reason.BAD_PADDING

    def test_nothing_but_padding(self) -> None:
        assert refused_for(OURS, encrypt_raw(b"")) is Reason.BAD_LENGTH

    @pytest.mark.parametrize("length", [b"\x00\x00\x00\xff", b"\xff\xff\xff\xff"])
    def test_a_length_beyond_the_buffer(self, length: bytes) -> None:
        assert refused_for(OURS, encrypt_raw(self.HEAD + length + b"hello")) is Reason.BAD_LENGTH

    def test_a_length_that_swallows_the_receiver(self) -> None:
        assert refused_for(OURS, encrypt_raw(self.HEAD + b"\x00\x00\x00\x17" + b"hello" + OURS.corp_id.encode())) is (
            Reason.WRONG_RECEIVER
        )

    @given(ciphertext=st.one_of(st.text(max_size=300), st.binary(max_size=300).map(encrypt_raw)))
    def test_whatever_comes_it_is_refused_and_nothing_else(self, ciphertext: str) -> None:
        with pytest.raises(Refused):
            OURS.open(ciphertext)
