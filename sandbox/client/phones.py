"""The part of `SandboxClient` for people's phones: what is on them, what is pressed, who signs in."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.client.asking import Asking, Fields


class Phones(Asking):
    async def phone(self, userid: str) -> Fields:
        """`conversations`: the apps (kind `app`) and the person's groups (kind `group`), with `messages`.

        A message has at, from, mine, msgtype, text, body; one with a card also task_id, card (the
        current face), greyed, selections and questions.
        """
        return await self._object("GET", f"/people/{userid}/phone")

    async def app_messages(self, userid: str) -> list[Fields]:
        """What the main app and this person wrote to each other, oldest first."""
        conversations = (await self.phone(userid))["conversations"]
        messages: list[Fields] = conversations[0]["messages"]
        return messages

    async def click(
        self, userid: str, task_id: str, key: str, selections: Mapping[str, Sequence[str]] | None = None
    ) -> Fields:
        """Press a button, submit button or menu entry of a card: push, event, response_code."""
        chosen = None if selections is None else {name: list(ids) for name, ids in selections.items()}
        body = {"task_id": task_id, "key": key, "selections": chosen}
        return await self._object("POST", f"/people/{userid}/click", body)

    async def menu_click(self, userid: str, key: str) -> Fields:
        return await self._object("POST", f"/people/{userid}/menu-click", {"key": key})

    async def say(self, userid: str, text: str) -> Fields:
        """A text message to the app."""
        return await self._object("POST", f"/people/{userid}/say", {"text": text})

    async def speak(self, userid: str) -> Fields:
        """A voice message to the app."""
        return await self._object("POST", f"/people/{userid}/speak")

    async def open_app(self, userid: str) -> Fields:
        """enter_agent."""
        return await self._object("POST", f"/people/{userid}/open-app")

    async def app_event(self, userid: str, event: str, key: str = "") -> Fields:
        return await self._object("POST", f"/people/{userid}/app-event", {"event": event, "key": key})

    # Signing in

    async def authorize(
        self, userid: str, redirect_uri: str, *, state: str = "", scope: str = "snsapi_base", **more: Any
    ) -> Fields:
        """`code`, and `location`: where this person's browser goes. Also agent_id, agreed, is_desktop."""
        body = {"redirect_uri": redirect_uri, "state": state, "scope": scope} | more
        return await self._object("POST", f"/people/{userid}/authorize", body)

    async def authorize_outsider(self, openid: str, redirect_uri: str, **more: Any) -> Fields:
        """The same for somebody who is no member; a customer also has an external_userid."""
        return await self._object("POST", "/outside/authorize", {"openid": openid, "redirect_uri": redirect_uri} | more)
