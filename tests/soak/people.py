"""What people do when things are slow: they wait, ask again, press again, and settle what only they can know."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console

from app.demo.processes import Addresses
from app.demo.stage import Json, Phone, Stage, StoryBroken
from sandbox.client import SandboxRefused
from tests.fleet import REST_BEFORE_RESTART_SECONDS
from tests.soak.books import Books

SETTLED_BY_PEOPLE = {"appchat/send"}
"""Kinds of calls that nothing but a person's look can settle (D6)."""


class PatientStage(Stage):
    """The demo's stage for a service that is away now and then. Writes carry an `Idempotency-Key` and are repeated."""

    patience_seconds = 420.0

    def __init__(self, addresses: Addresses, console: Console, books: Books) -> None:
        super().__init__(addresses, console)
        self.books = books

    async def get(self, path: str, **query: Any) -> Json:
        return self._answer(await self._insist("GET", path, params=query))

    async def post(self, path: str, body: Json | None = None) -> Json:
        headers = {"Idempotency-Key": str(uuid4())}
        return self._answer(await self._insist("POST", path, json=body or {}, headers=headers))

    async def _insist(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def look() -> httpx.Response | None:
            try:
                answer = await self.http.request(method, path, **options)
            except httpx.TransportError:
                await asyncio.sleep(REST_BEFORE_RESTART_SECONDS)
                return None
            return None if _is_passing(answer) else answer

        return await self.until(f"an answer to {method} {path}", look)

    async def press(self, userid: str, key: str) -> Phone:
        """Press once the button is there, and press again while it stays and nobody has taken the click."""
        known = {push["id"] for push in await self.sandbox.callbacks("app")}
        phone = await self.card_with(userid, key)

        async def taken() -> bool:
            now = await self.card_to_press(userid, key)
            if now is None:
                return True
            with contextlib.suppress(SandboxRefused):  # grey at this very moment
                await self.sandbox.click(userid, now.task_id, key)
            await self.sandbox.wait_idle()
            clicks = [push for push in await self.sandbox.callbacks("app") if push["id"] not in known]
            return any(push["delivered"] and now.task_id in push["plaintext"] for push in clicks)

        await self.until(f"the click of {userid} on {key} to be taken", taken)
        return phone

    async def settle_unknown_calls(self) -> list[str]:
        """As the operators' guide says: look into the group, then say what became of the call."""
        settled = []
        for call in await self.every("/deliveries/calls", state="unknown"):
            if call["kind"] not in SETTLED_BY_PEOPLE:
                raise StoryBroken(f"a {call['kind']} is left unknown, though it can be recovered: {call['error']}")
            happened = await self._happened(call)
            await self._settle(call, happened=happened)
            settled.append(f"{call['purpose']}: {'done' if happened else 'failed'}")
        return settled

    async def _settle(self, call: Json, *, happened: bool) -> None:
        answer = await self.http.post(
            f"/deliveries/calls/{call['id']}/resolve", json={"as": "done" if happened else "failed"}
        )
        if answer.is_error and not _is_passing(answer):
            raise StoryBroken(f"the call could not be settled: {answer.text}")

    async def _happened(self, call: Json) -> bool:
        """Whether the group shows the text: its number `#17` stands in it, and in the call's bytes."""
        body = json.loads(await self.books.body_of(call["id"]))
        return str(body["text"]["content"]) in await self.texts_in(body["chatid"])


def _is_passing(answer: httpx.Response) -> bool:
    """The database is away for a moment, or the first attempt of this very request is still under way."""
    if answer.status_code in {httpx.codes.CONFLICT, httpx.codes.BAD_REQUEST}:
        return "in-flight" in answer.text
    return answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
