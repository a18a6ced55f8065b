"""The part of `SandboxClient` that speaks for people with customers, and for customers themselves."""

from collections.abc import Sequence
from typing import Any

from sandbox.client.asking import Asking, Fields


class Customers(Asking):
    """A customer group is as `externalcontact/groupchat/get` shows it, with `messages`, `opengid` and `dismissed`."""

    async def add_external(self, name: str, *, followed_by: Sequence[str] = (), **more: Any) -> Fields:
        """More: kind (1 WeChat, 2 another company), external_userid, unionid, corp_name."""
        return await self._object("POST", "/customers", {"name": name, "followed_by": list(followed_by)} | more)

    async def externals(self) -> list[Fields]:
        return await self._list("/customers")

    async def befriend(self, userid: str, external_userid: str, *, state: str = "", remark: str = "") -> Fields:
        body = {"userid": userid, "state": state, "remark": remark}
        return await self._object("POST", f"/customers/{external_userid}/befriend", body)

    async def remark_external(self, userid: str, external_userid: str, remark: str) -> Fields:
        body = {"userid": userid, "remark": remark}
        return await self._object("POST", f"/customers/{external_userid}/remark", body)

    async def unfriend(self, userid: str, external_userid: str, *, by_customer: bool = False) -> Fields:
        body = {"userid": userid, "by_customer": by_customer}
        return await self._object("POST", f"/customers/{external_userid}/unfriend", body)

    async def customer_groups(self) -> list[Fields]:
        return await self._list("/customer-groups")

    async def customer_group(self, chat_id: str) -> Fields:
        return await self._object("GET", f"/customer-groups/{chat_id}")

    async def create_customer_group(
        self,
        owner: str,
        userids: Sequence[str] = (),
        external_userids: Sequence[str] = (),
        name: str = "",
        chat_id: str | None = None,
    ) -> Fields:
        body = {
            "owner": owner,
            "userids": list(userids),
            "external_userids": list(external_userids),
            "name": name,
            "chat_id": chat_id,
        }
        return await self._object("POST", "/customer-groups", body)

    async def _to_group(self, chat_id: str, act: str, **body: Any) -> Fields:
        return await self._object("POST", f"/customer-groups/{chat_id}/{act}", body)

    async def join_customer_group(
        self, chat_id: str, *, userids: Sequence[str] = (), external_userids: Sequence[str] = (), **how: Any
    ) -> Fields:
        """How: join_scene (1 invited, 2 by link, 3 by QR code), invitor, state."""
        people = {"userids": list(userids), "external_userids": list(external_userids)}
        return await self._to_group(chat_id, "join", **people, **how)

    async def leave_customer_group(self, chat_id: str, ids: Sequence[str]) -> Fields:
        return await self._to_group(chat_id, "leave", ids=list(ids))

    async def remove_from_customer_group(self, chat_id: str, ids: Sequence[str]) -> Fields:
        return await self._to_group(chat_id, "remove", ids=list(ids))

    async def rename_customer_group(self, chat_id: str, name: str) -> Fields:
        return await self._to_group(chat_id, "rename", text=name)

    async def set_customer_group_notice(self, chat_id: str, notice: str) -> Fields:
        return await self._to_group(chat_id, "notice", text=notice)

    async def transfer_customer_group(self, chat_id: str, owner: str) -> Fields:
        return await self._to_group(chat_id, "transfer", userid=owner)

    async def set_customer_group_nickname(self, chat_id: str, member_id: str, nickname: str) -> Fields:
        return await self._to_group(chat_id, "nickname", id=member_id, nickname=nickname)

    async def set_customer_group_admins(self, chat_id: str, userids: Sequence[str]) -> Fields:
        return await self._object("PUT", f"/customer-groups/{chat_id}/admins", {"userids": list(userids)})

    async def dismiss_customer_group(self, chat_id: str) -> None:
        await self._ask("POST", f"/customer-groups/{chat_id}/dismiss")

    async def say_in_customer_group(self, chat_id: str, member_id: str, text: str) -> Fields:
        """`delivered`, and `warned` when a sensitive-word rule had something to say."""
        return await self._to_group(chat_id, "say", id=member_id, text=text)

    async def scan_join_way(self, config_id: str, external_userid: str) -> Fields:
        """The group that the person came into."""
        return await self._object("POST", f"/join-ways/{config_id}/scan", {"external_userid": external_userid})

    async def group_tasks(self, userid: str) -> list[Fields]:
        """企业群发 of this member."""
        return await self._list(f"/people/{userid}/group-tasks")

    async def confirm_group_task(self, userid: str, msgid: str) -> Fields:
        return await self._object("POST", f"/people/{userid}/group-tasks/{msgid}/confirm")
