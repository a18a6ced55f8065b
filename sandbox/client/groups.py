"""The part of `SandboxClient` for groups, as people change them, and the robots in them."""

from collections.abc import Sequence

from sandbox.client.asking import Asking, Fields


class Groups(Asking):
    async def groups(self) -> list[Fields]:
        return await self._list("/groups")

    async def group(self, chatid: str) -> Fields:
        """chatid, name, owner, userlist, members, agent_id, dismissed, created_at, messages."""
        return await self._object("GET", f"/groups/{chatid}")

    async def create_group(
        self, owner: str, userids: Sequence[str] = (), name: str = "", chatid: str | None = None
    ) -> Fields:
        """A group that people make in the client; the app may not touch it."""
        body = {"owner": owner, "userids": list(userids), "name": name, "chatid": chatid}
        return await self._object("POST", "/groups", body)

    async def _in_group(self, chatid: str, act: str, **body: str) -> Fields:
        return await self._object("POST", f"/groups/{chatid}/{act}", body)

    async def leave_group(self, userid: str, chatid: str) -> Fields:
        return await self._in_group(chatid, "leave", userid=userid)

    async def remove_from_group(self, chatid: str, userid: str) -> Fields:
        return await self._in_group(chatid, "remove", userid=userid)

    async def add_to_group(self, chatid: str, userid: str) -> Fields:
        return await self._in_group(chatid, "add", userid=userid)

    async def rename_group(self, chatid: str, name: str) -> Fields:
        return await self._in_group(chatid, "rename", name=name)

    async def transfer_group(self, chatid: str, owner: str) -> Fields:
        return await self._in_group(chatid, "transfer", userid=owner)

    async def dismiss_group(self, chatid: str) -> Fields:
        return await self._in_group(chatid, "dismiss")

    async def say_in_group(self, chatid: str, userid: str, text: str) -> None:
        await self._ask("POST", f"/groups/{chatid}/say", {"userid": userid, "text": text})

    async def robots(self, chatid: str | None = None) -> list[Fields]:
        return await self._list("/robots", chatid=chatid)

    async def add_robot(self, chatid: str, name: str = "消息推送") -> Fields:
        """A robot in any group: `key`, and the `url` that the client shows."""
        return await self._object("POST", f"/groups/{chatid}/robots", {"name": name})

    async def disable_robot(self, key: str) -> Fields:
        return await self._object("POST", f"/robots/{key}/disable")

    async def enable_robot(self, key: str) -> Fields:
        return await self._object("POST", f"/robots/{key}/enable")

    async def remove_robot(self, key: str) -> None:
        await self._ask("DELETE", f"/robots/{key}")
