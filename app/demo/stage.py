"""What the story acts with: the service's REST API, the sandbox's phones, and a voice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from rich.console import Console

from app.demo.processes import Addresses
from sandbox.client import SandboxClient

T = TypeVar("T")
Json = dict[str, Any]

PATIENCE_SECONDS = 30.0
LOOK_EVERY_SECONDS = 0.1


class StoryBroken(Exception):
    """A step of the story is not true."""


@dataclass(frozen=True)
class Phone:
    """A card on somebody's phone."""

    userid: str
    task_id: str
    card: Json

    @property
    def title(self) -> str:
        return str(self.card.get("main_title", {}).get("title", ""))

    @property
    def face(self) -> str:
        """The grey text in place of the buttons, empty while there are buttons."""
        return str(self.card.get("replace_text", ""))


class Stage:
    """Use as `async with Stage(addresses, console) as stage`."""

    patience_seconds = PATIENCE_SECONDS

    def __init__(self, addresses: Addresses, console: Console) -> None:
        self.addresses = addresses
        self.sandbox = SandboxClient(base_url=addresses.sandbox)
        self._console = console
        self.http = httpx.AsyncClient(
            base_url=f"{addresses.service}/api/v1",
            headers={"Authorization": f"Bearer {addresses.api_key}"},
            timeout=20,
        )
        self._began = time.monotonic()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()
        await self.sandbox.aclose()

    # ------------------------------------------------------------ telling

    def chapter(self, title: str) -> None:
        self._console.print(f"\n[bold]{title}[/bold]", highlight=False)

    def tell(self, sentence: str) -> None:
        """One line of the story: what was just read back."""
        seconds = time.monotonic() - self._began
        self._console.print(
            f"  [green]✓[/green] [dim]{seconds:5.1f}s[/dim] {sentence}", highlight=False, soft_wrap=True
        )

    def require(self, truth: object, otherwise: str) -> None:
        if not truth:
            raise StoryBroken(otherwise)

    # ------------------------------------------------------------ the service

    async def get(self, path: str, **query: Any) -> Json:
        return self._answer(await self.http.get(path, params=query))

    async def post(self, path: str, body: Json | None = None) -> Json:
        return self._answer(await self.http.post(path, json=body or {}))

    async def every(self, path: str, **query: Any) -> list[Json]:
        """All pages of a list."""
        items: list[Json] = []
        cursor: str | None = None
        while True:
            page = await self.get(path, limit=200, **query, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    def _answer(self, answer: httpx.Response) -> Json:
        if answer.is_error:
            raise StoryBroken(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        body: Json = answer.json()
        return body

    # ------------------------------------------------------------ waiting

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """Look again and again until there is something; the story breaks when it takes too long."""
        deadline = time.monotonic() + self.patience_seconds
        while time.monotonic() < deadline:
            found = await look()
            if found:
                return found
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        raise StoryBroken(f"waited {self.patience_seconds:.0f} s in vain: {what}")

    # ------------------------------------------------------------ phones

    async def name_of(self, userid: str) -> str:
        return str((await self.get(f"/members/{userid}"))["name"])

    async def card_with(self, userid: str, key: str) -> Phone:
        """The card on this person's phone that has a button with this key to press."""
        return await self.until(f"a card with {key} on the phone of {userid}", lambda: self.card_to_press(userid, key))

    async def card_to_press(self, userid: str, key: str) -> Phone | None:
        """As it is now; a grey card has nothing to press."""
        for message in reversed(await self.sandbox.app_messages(userid)):
            card = message.get("card") or {}
            if not message.get("greyed") and any(button.get("key") == key for button in card.get("button_list", [])):
                return Phone(userid, message["task_id"], card)
        return None

    async def press(self, userid: str, key: str) -> Phone:
        """Press the button with this key on the person's phone. Returns the card as it was."""
        phone = await self.card_with(userid, key)
        await self.sandbox.click(userid, phone.task_id, key)
        return phone

    async def face_of(self, phone: Phone) -> str:
        """What the card's grey button says now."""
        for message in await self.sandbox.app_messages(phone.userid):
            if message.get("task_id") == phone.task_id:
                return Phone(phone.userid, phone.task_id, message.get("card") or {}).face
        return ""

    async def texts(self, userid: str) -> list[str]:
        """The plain texts that the app wrote to this person."""
        messages = await self.sandbox.app_messages(userid)
        return [str(message.get("text") or "") for message in messages if message["msgtype"] == "text"]

    async def texts_in(self, chatid: str) -> list[str]:
        """The texts that stand in a group."""
        messages = (await self.sandbox.group(chatid))["messages"]
        return [str(message["body"]["content"]) for message in messages if message["msgtype"] == "text"]
