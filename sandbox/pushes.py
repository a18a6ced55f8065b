"""One callback on its way: where it goes, how it is sealed, and what became of it (doc path/90930)."""

import asyncio
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.sax.saxutils import escape

import httpx

from sandbox.config import Channel
from sandbox.crypto import Cryptor

ChannelName = Channel | Literal["job"]
"""`job` is the address that an asynchronous import names for its result."""

_NAMES = re.compile(r"<(?:Event|ChangeType|MsgType)>(?:<!\[CDATA\[)?([A-Za-z_]+)")


@dataclass
class CallbackChannel:
    """One receiving address with its secrets. `agent_id` is None for contacts."""

    cryptor: Cryptor
    url: str | None
    agent_id: int | None


@dataclass(frozen=True)
class Sealed:
    """One ciphertext with the query that signs it."""

    params: dict[str, str]
    body: str


@dataclass(slots=True, eq=False)
class Push:
    """One event on its way, and everything that is known about its delivery."""

    id: int
    channel: ChannelName
    target: CallbackChannel
    plaintext: str
    created_at: float
    clicker: int | None = None
    """The serial of the person to whom a passive reply is shown."""
    sealed: Sealed | None = None
    """Given when the very same ciphertext is wanted again."""
    due_at: float = 0.0
    statuses: list[int | None] = field(default_factory=list)
    """One per attempt; None when there was no answer."""
    seconds: list[float] = field(default_factory=list)
    """How long each attempt took."""
    error: str = ""
    reply: str = ""
    reply_error: str = ""
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def names(self) -> list[str]:
        """What kind of event this is, most particular first: its ChangeType, its Event, its MsgType."""
        return list(reversed(_NAMES.findall(self.plaintext)))

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "channel": self.channel,
            "plaintext": self.plaintext,
            "created_at": self.created_at,
            "statuses": self.statuses,
            "attempts": len(self.statuses),
            "seconds": [round(taken, 4) for taken in self.seconds],
            "delivered": bool(self.statuses) and self.statuses[-1] == httpx.codes.OK,
            "error": self.error,
            "reply": self.reply,
            "reply_error": self.reply_error,
            "done": self.done.is_set(),
        }


def seal(channel: CallbackChannel, plaintext: str, *, corp_id: str, now: float) -> Sealed:
    """Encrypt and sign with a new nonce and random part (doc path/91144)."""
    encrypted = channel.cryptor.encrypt(plaintext)
    agent = f"<AgentID><![CDATA[{channel.agent_id}]]></AgentID>" if channel.agent_id is not None else ""
    body = (
        f"<xml><ToUserName><![CDATA[{escape(corp_id)}]]></ToUserName>{agent}"
        f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    )
    return Sealed(signed_query(channel, encrypted, now=now), body)


def signed_query(channel: CallbackChannel, encrypted: str, *, now: float) -> dict[str, str]:
    timestamp, nonce = str(int(now)), str(secrets.randbelow(10**10))
    signature = channel.cryptor.sign(timestamp, nonce, encrypted)
    return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}
