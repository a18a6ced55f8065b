"""Pushes callbacks as the platform does: signed, encrypted, in order, retried on silence only."""

import asyncio
import random
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import cast

import httpx

from sandbox.clock import Clock
from sandbox.config import Channel, Network, SandboxConfig
from sandbox.errors import PlatformError
from sandbox.pushes import CallbackChannel, ChannelName, Push, Sealed, seal, signed_query

__all__ = ["CallbackChannel", "Push", "Pusher", "seal"]

PUSHES_KEPT = 50_000
VERIFICATION_SECONDS = 1.0
DOWNLOAD_SECONDS = 600.0

OnAnswer = Callable[[Push, str], None]
"""What becomes of the body of an accepted callback: a passive reply changes somebody's phone."""


class Pusher:
    """A queue per channel. Workers live only while their queue holds something."""

    def __init__(self, config: SandboxConfig, clock: Clock, channels: dict[Channel, CallbackChannel]) -> None:
        self.config = config
        self.clock = clock
        self.channels = channels
        self.on_answer: OnAnswer = lambda _push, _answer: None
        self.given_http: httpx.AsyncClient | None = None
        """Used instead of an own client, and left open at the end."""
        self._own_http: httpx.AsyncClient | None = None
        self.log: deque[Push] = deque(maxlen=PUSHES_KEPT)
        self._queues: dict[ChannelName, deque[Push]] = {"app": deque(), "contacts": deque(), "job": deque()}
        self._workers: dict[ChannelName, set[asyncio.Task[None]]] = {name: set() for name in self._queues}
        self._random = random.Random(config.seed)  # noqa: S311 - misfortune that repeats, not secrets
        self._count = 0

    def push(
        self, channel: Channel, plaintext: str, *, clicker: int | None = None, sealed: Sealed | None = None
    ) -> Push:
        """Queue one event. Without a callback address it is logged and lost, as on the platform."""
        return self._queue(channel, self.channels[channel], plaintext, clicker=clicker, sealed=sealed)

    def push_to(self, target: CallbackChannel, plaintext: str) -> Push:
        """To an address of its own, as the result of an import goes (doc path/90980)."""
        return self._queue("job", target, plaintext)

    def push_again(self, first: Push) -> Push:
        """The same event once more, sealed anew."""
        return self._queue(first.channel, first.target, first.plaintext, clicker=first.clicker)

    def _queue(
        self,
        channel: ChannelName,
        target: CallbackChannel,
        plaintext: str,
        *,
        clicker: int | None = None,
        sealed: Sealed | None = None,
    ) -> Push:
        self._count += 1
        push = Push(self._count, channel, target, plaintext, self.clock.now(), clicker, sealed)
        self.log.append(push)
        if target.url is None:
            push.error = "no callback address"
            push.done.set()
            return push
        push.due_at = push.created_at + self._network(push).delay_seconds
        self._queues[channel].append(push)
        self.clock.stir()
        self._wake(channel)
        return push

    def _network(self, push: Push) -> Network:
        """How this event travels: by the rule for its kind, or else by that for all."""
        by_event = self.config.callback_networks
        return next((by_event[name] for name in push.names if name in by_event), self.config.callback_network)

    def _wake(self, channel: ChannelName) -> None:
        if len(self._workers[channel]) < self.config.callback_connections:
            self._workers[channel].add(asyncio.create_task(self._work(channel)))

    async def _work(self, channel: ChannelName) -> None:
        """Take what is due until nothing is left; the worker is off the list before anybody else runs."""
        try:
            await self._empty(self._queues[channel])
        finally:
            self._workers[channel].discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _empty(self, queue: deque[Push]) -> None:
        while queue:
            push = self._next_due(queue)
            if push is None:
                await self.clock.pause(min(waiting.due_at for waiting in queue))
                continue
            queue.remove(push)
            try:
                await self._send(push)
            finally:
                push.done.set()

    def _next_due(self, queue: deque[Push]) -> Push | None:
        """The oldest that is due; where one may be overtaken, any that is due."""
        now = self.clock.now()
        first = next((push for push in queue if push.due_at <= now), None)
        if first is None or not self._network(first).shuffle:
            return first
        return self._random.choice([push for push in queue if push.due_at <= now])

    async def _send(self, push: Push) -> None:
        network = self._network(push)
        lost = network.lose_every and push.id % network.lose_every == 0
        if lost or self._happens(network.lose_chance):
            push.error = "lost on purpose"
            return
        copies = 1 + network.duplicates + self._happens(network.duplicate_chance)
        for _copy in range(copies):
            await self._deliver(push)

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance

    async def _deliver(self, push: Push) -> None:
        for attempt in range(max(1, self.config.callback_retries)):
            if attempt and self.config.callback_retry_seconds:
                await self.clock.sleep_until(self.clock.now() + self.config.callback_retry_seconds)
            started = time.perf_counter()
            answer = await self._attempt(push)
            push.seconds.append(time.perf_counter() - started)
            push.statuses.append(None if answer is None else answer.status_code)
            if answer is None:
                continue
            if answer.status_code == httpx.codes.OK:
                self.on_answer(push, answer.text)
            if answer.status_code == httpx.codes.OK or not self.config.retry_on_non_200:
                return

    async def _attempt(self, push: Push) -> httpx.Response | None:
        sealed = push.sealed or self._sealed(push.target, push.plaintext)
        if self.config.retry_same_ciphertext:
            push.sealed = sealed
        try:
            async with asyncio.timeout(self.config.callback_timeout_seconds):
                return await self._client().post(
                    push.target.url or "",
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
        return self._sealed(self.channels[channel], plaintext)

    def _sealed(self, target: CallbackChannel, plaintext: str) -> Sealed:
        return seal(target, plaintext, corp_id=self.config.corp_id, now=self.clock.now())

    async def verify(self, channel_name: Channel, url: str) -> str | None:
        """The GET of doc path/90930: None when the answer was exactly the plaintext within a second."""
        channel = self.channels[channel_name]
        plaintext = str(10**18 + secrets.randbelow(9 * 10**18))
        encrypted = channel.cryptor.encrypt(plaintext)
        params = signed_query(channel, encrypted, now=self.clock.now()) | {"echostr": encrypted}
        try:
            async with asyncio.timeout(VERIFICATION_SECONDS):
                answer = await self._client().get(url, params=params)
        except (TimeoutError, httpx.TransportError, httpx.InvalidURL) as error:
            return repr(error)
        if answer.status_code != httpx.codes.OK:
            return f"HTTP {answer.status_code}"
        return None if answer.content == plaintext.encode() else "the answer is not exactly the plaintext"

    async def download(self, url: str, *, most: int) -> bytes:
        """A file of somebody's; 830002 when it is larger than that."""
        async with asyncio.timeout(DOWNLOAD_SECONDS), self._client().stream("GET", url) as answer:
            answer.raise_for_status()
            content = b""
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > most:
                    raise PlatformError(830002)
        return content

    async def wait_idle(self) -> None:
        """Return once every queued push is delivered or given up."""
        while waiting := self._running():
            await asyncio.wait(waiting)

    def _running(self) -> list[asyncio.Task[None]]:
        return [worker for workers in self._workers.values() for worker in workers if not worker.done()]

    def forget(self) -> None:
        """Drop what is queued and the log; what is on the wire is finished and then forgotten."""
        for queue in self._queues.values():
            for push in queue:
                push.done.set()
            queue.clear()
        self.log.clear()

    async def stop(self) -> None:
        self.forget()
        running = self._running()
        for worker in running:
            worker.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._own_http is not None:
            await self._own_http.aclose()
            self._own_http = None
