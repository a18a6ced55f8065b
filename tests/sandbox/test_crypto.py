import pytest
from wechatpy.enterprise.crypto import WeChatCrypto

from sandbox.crypto import BadEnvelope, Cryptor, signature

KEY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPE"
TOKEN = "simtoken01"
FIXED_RANDOM = b"0123456789abcdef"


class TestVectors:
    """The vectors of the platform notes, checked with OpenSSL."""

    @pytest.mark.parametrize(
        ("message", "receive_id", "timestamp", "nonce", "encrypted", "signed"),
        [
            (
                "8675309001",
                "wwsim0000000000001",
                "1700000000",
                "nonce42",
                "gcnngd0g8EaBqM1asS1Df+8NN0bFHl2u6lAXYvb/09WEjvAMSj2nCsjmkAOtP00C5mXRZ1nL3W8UovJArrOXYw==",
                "85e091c10792850f6df5d48c4fc8e67d181bcd2c",
            ),
            (
                '{"msgid":"m1"}',
                "",
                "1700000002",
                "nonce44",
                "gcnngd0g8EaBqM1asS1Df5RIMGp/Hsm2oaYg1oaKUoOgd8mjOqfPY4fH0/GlN6934K8/8qyucW3QsqszDxnURw==",
                "a2ee40d2772f04b9670fd58a2b3beb9ce847d911",
            ),
        ],
    )
    def test_encrypt_sign_and_decrypt(
        self, message: str, receive_id: str, timestamp: str, nonce: str, encrypted: str, signed: str
    ) -> None:
        cryptor = Cryptor(TOKEN, KEY, receive_id)
        assert cryptor.encrypt(message, random=FIXED_RANDOM) == encrypted
        assert cryptor.sign(timestamp, nonce, encrypted) == signed
        assert cryptor.decrypt(encrypted) == message


class TestAgainstTheLibrary:
    """wechatpy reads what we write, and we read what it writes."""

    @pytest.mark.parametrize("length", [1, 11, 12, 13, 31, 32, 33, 2_000])
    def test_both_ways_at_every_padding(self, length: int) -> None:
        ours, theirs = Cryptor(TOKEN, KEY, "wwsim"), WeChatCrypto(TOKEN, KEY, "wwsim")
        message = "信" * length
        encrypted = ours.encrypt(message)
        envelope = f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        assert theirs.decrypt_message(envelope, ours.sign("1", "2", encrypted), "1", "2") == message


class TestRefusals:
    def test_another_receiver(self) -> None:
        with pytest.raises(BadEnvelope):
            Cryptor(TOKEN, KEY, "someone-else").decrypt(Cryptor(TOKEN, KEY, "wwsim").encrypt("x"))

    def test_another_key(self) -> None:
        with pytest.raises(BadEnvelope):
            Cryptor(TOKEN, KEY[::-1].replace("E", "A", 1), "wwsim").decrypt(
                Cryptor(TOKEN, KEY, "wwsim").encrypt("x" * 100)
            )

    @pytest.mark.parametrize("garbage", ["", "no base64!", "AAAA"])
    def test_garbage(self, garbage: str) -> None:
        with pytest.raises(BadEnvelope):
            Cryptor(TOKEN, KEY, "wwsim").decrypt(garbage)

    def test_signature_sorts_values_not_names(self) -> None:
        assert signature("b", "a", "d", "c") == signature("a", "b", "c", "d")
