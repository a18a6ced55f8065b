"""Pushes callbacks as the platform does: signed, encrypted, in order, retried on silence only."""

import asyncio
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import httpx

from sandbox.config import Channel, Network
from sandbox.crypto import Cryptor
from sandbox.replies import apply_reply

if TYPE_CHECKING:
    from sandbox.state import SandboxState

PUSHES_KEPT = 50_000
VERIFICATION_SECONDS = 1.0


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


@dataclass(slots=True)
class Push:
    """One event on its way, and everything that is known about its delivery."""

    id: int
    channel: Channel
    plaintext: str
    created_at: float
    clicker: int | None = None
    """The serial of the person to whom a passive reply is shown."""
    sealed: Sealed | None = None
    """Given when the very same ciphertext is wanted again."""
    statuses: list[int | None] = field(default_factory=list)
    """One per attempt; None when there was no answer."""
    seconds: list[float] = field(default_factory=list)
    """How long each attempt took."""
    error: str = ""
    reply: str = ""
    reply_error: str = ""
    done: "asyncio.Event" = field(default_factory=asyncio.Event)

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
    timestamp, nonce = str(int(now)), str(secrets.randbelow(10**10))
    signed = channel.cryptor.sign(timestamp, nonce, encrypted)
    agent = f"<AgentID><![CDATA[{channel.agent_id}]]></AgentID>" if channel.agent_id is not None else ""
    body = (
        f"<xml><ToUserName><![CDATA[{escape(corp_id)}]]></ToUserName>{agent}"
        f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    )
    return Sealed({"msg_signature": signed, "timestamp": timestamp, "nonce": nonce}, body)


class Pusher:
    """A queue per channel. A worker lives only while its queue holds something."""

    def __init__(self, state: "SandboxState") -> None:
        self.state = state
        self.given_http: httpx.AsyncClient | None = None
        """Used instead of an own client, and left open at the end."""
        self._own_http: httpx.AsyncClient | None = None
        self.log: deque[Push] = deque(maxlen=PUSHES_KEPT)
        self._queues: dict[Channel, deque[Push]] = {"app": deque(), "contacts": deque()}
        self._workers: dict[Channel, asyncio.Task[None]] = {}
        self._count = 0

    def push(
        self, channel: Channel, plaintext: str, *, clicker: int | None = None, sealed: Sealed | None = None
    ) -> Push:
        """Queue one event. Without a callback address it is logged and lost, as on the platform."""
        self._count += 1
        push = Push(self._count, channel, plaintext, self.state.now(), clicker, sealed)
        self.log.append(push)
        if self.state.channels[channel].url is None:
            push.error = "no callback address"
            push.done.set()
            return push
        self._queues[channel].append(push)
        self._wake(channel)
        return push

    def _wake(self, channel: Channel) -> None:
        worker = self._workers.get(channel)
        if worker is None or worker.done():
            self._workers[channel] = asyncio.create_task(self._work(channel))

    async def _work(self, channel: Channel) -> None:
        queue = self._queues[channel]
        while queue:
            network = self.state.config.callback_network
            if network.delay_seconds:
                await asyncio.sleep(network.delay_seconds)
            if not queue:
                return
            if network.shuffle:
                queue.rotate(-secrets.randbelow(len(queue)))
            push = queue.popleft()
            try:
                await self._send(push, network)
            finally:
                push.done.set()

    async def _send(self, push: Push, network: Network) -> None:
        if network.lose_every and push.id % network.lose_every == 0:
            push.error = "lost on purpose"
            return
        for _copy in range(1 + network.duplicates):
            await self._deliver(push)

    async def _deliver(self, push: Push) -> None:
        for _attempt in range(max(1, self.state.config.callback_retries)):
            started = time.perf_counter()
            answer = await self._attempt(push)
            push.seconds.append(time.perf_counter() - started)
            push.statuses.append(None if answer is None else answer.status_code)
            if answer is None:
                continue
            if answer.status_code == httpx.codes.OK:
                apply_reply(self.state, push, answer.text)
            if answer.status_code == httpx.codes.OK or not self.state.config.retry_on_non_200:
                return

    async def _attempt(self, push: Push) -> httpx.Response | None:
        channel = self.state.channels[push.channel]
        sealed = push.sealed or self.seal(push.channel, push.plaintext)
        timeout = self.state.config.callback_timeout_seconds
        try:
            async with asyncio.timeout(timeout):
                return await self._client().post(
                    channel.url or "",
                    params=sealed.params,
                    content=sealed.body,
                    headers={"content-type": "text/xml; charset=utf-8"},
                )
        except (TimeoutError, httpx.TransportError) as error:
            push.error = repr(error)
            return None
        except Exception as error:  # noqa: BLE001 - a service in the same process failed; on the wire a 500
            push.error = repr(error)
            return httpx.Response(httpx.codes.INTERNAL_SERVER_ERROR)

    def _client(self) -> httpx.AsyncClient:
        if self.given_http is not None:
            return self.given_http
        if self._own_http is None:
            self._own_http = httpx.AsyncClient(timeout=None)  # noqa: S113 - asyncio.timeout is around each attempt
        return self._own_http

    def seal(self, channel: Channel, plaintext: str) -> Sealed:
        """A ciphertext with a new nonce and random part, stamped by the sandbox's clock."""
        state = self.state
        return seal(state.channels[channel], plaintext, corp_id=state.config.corp_id, now=state.now())

    async def verify(self, channel_name: Channel, url: str) -> str | None:
        """The GET of doc path/90930: None when the answer was exactly the plaintext within a second."""
        channel = self.state.channels[channel_name]
        plaintext = str(10**18 + secrets.randbelow(9 * 10**18))
        encrypted = channel.cryptor.encrypt(plaintext)
        timestamp, nonce = str(int(self.state.now())), str(secrets.randbelow(10**10))
        params = {
            "msg_signature": channel.cryptor.sign(timestamp, nonce, encrypted),
            "timestamp": timestamp,
            "nonce": nonce,
            "echostr": encrypted,
        }
        try:
            async with asyncio.timeout(VERIFICATION_SECONDS):
                answer = await self._client().get(url, params=params)
        except (TimeoutError, httpx.TransportError, httpx.InvalidURL) as error:
            return repr(error)
        if answer.status_code != httpx.codes.OK:
            return f"HTTP {answer.status_code}"
        return None if answer.content == plaintext.encode() else "the answer is not exactly the plaintext"

    async def wait_idle(self) -> None:
        """Return once every queued push is delivered or given up."""
        while waiting := [worker for worker in self._workers.values() if not worker.done()]:
            await asyncio.wait(waiting)

    def forget(self) -> None:
        """Drop what is queued and the log; what is on the wire is finished and then forgotten."""
        for queue in self._queues.values():
            for push in queue:
                push.done.set()
            queue.clear()
        self.log.clear()

    async def stop(self) -> None:
        self.forget()
        for worker in self._workers.values():
            worker.cancel()
        await asyncio.gather(*self._workers.values(), return_exceptions=True)
        if self._own_http is not None:
            await self._own_http.aclose()
            self._own_http = None
