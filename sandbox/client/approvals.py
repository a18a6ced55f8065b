"""The part of `SandboxClient` that speaks for people in the 审批 app, and for administrators of its templates."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.client.asking import Asking, Fields


class Approvals(Asking):
    """An application is as in `oa/getapprovaldetail`, with `applicant`, `active` (whose turn it is) and `fields`."""

    async def approvals(self, *, status: int | None = None, template_id: str | None = None) -> list[Fields]:
        """All applications, newest first."""
        return await self._list("/approvals", status=status, template_id=template_id)

    async def approval(self, sp_no: str) -> Fields:
        return await self._object("GET", f"/approvals/{sp_no}")

    async def approvals_of(self, userid: str) -> dict[str, list[Fields]]:
        """`waiting` for this person, `submitted`, `decided` and `copied` to them."""
        return await self._object("GET", f"/people/{userid}/approvals")

    async def hand_in(self, userid: str, template_id: str, values: Mapping[str, Any], **more: Any) -> Fields:
        """Submit from the phone; values by control id. More: node_list, department, summary, batch, contents."""
        body = {"template_id": template_id, "values": dict(values)} | more
        return await self._object("POST", f"/people/{userid}/approvals", body)

    async def _act(self, sp_no: str, act: str, userid: str, text: str = "", to: Sequence[str] = ()) -> Fields:
        body = {"userid": userid, "act": act, "text": text, "to": list(to)}
        return await self._object("POST", f"/approvals/{sp_no}/act", body)

    async def agree(self, userid: str, sp_no: str, text: str = "") -> Fields:
        """Agree, or handle at a node of 办理人."""
        return await self._act(sp_no, "agree", userid, text)

    async def reject(self, userid: str, sp_no: str, text: str = "") -> Fields:
        return await self._act(sp_no, "reject", userid, text)

    async def forward_approval(self, userid: str, sp_no: str, to: str, text: str = "") -> Fields:
        return await self._act(sp_no, "forward", userid, text, [to])

    async def add_signers(
        self, userid: str, sp_no: str, to: Sequence[str], text: str = "", *, agreeing: bool = False
    ) -> Fields:
        """The others decide before this person or, `agreeing`, after."""
        return await self._act(sp_no, "agree_and_add" if agreeing else "add_signers", userid, text, to)

    async def send_back(self, userid: str, sp_no: str, to: str, text: str = "") -> Fields:
        return await self._act(sp_no, "send_back", userid, text, [to])

    async def withdraw(self, userid: str, sp_no: str) -> Fields:
        """The applicant takes it back, also after approval."""
        return await self._act(sp_no, "withdraw", userid)

    async def comment(self, userid: str, sp_no: str, text: str) -> Fields:
        return await self._act(sp_no, "comment", userid, text)

    async def urge(self, userid: str, sp_no: str) -> Fields:
        return await self._act(sp_no, "urge", userid)

    async def pay_approval(self, sp_no: str) -> Fields:
        return await self._object("POST", f"/approvals/{sp_no}/pay")

    async def delete_approval(self, sp_no: str) -> None:
        await self._ask("DELETE", f"/approvals/{sp_no}")

    async def approval_templates(self) -> list[Fields]:
        return await self._list("/approvals/templates")

    async def make_approval_template(
        self, template_id: str, name: str, controls: Sequence[Mapping[str, Any]], *, record_type: int = 0
    ) -> Fields:
        """In the console. Controls as `oa/gettemplatedetail` returns them."""
        made = [dict(control) for control in controls]
        body = {"template_id": template_id, "name": name, "controls": made, "record_type": record_type}
        return await self._object("POST", "/approvals/templates", body)

    async def set_approval_template(self, template_id: str, **changes: Any) -> Fields:
        """node_list (the flow; `@leader` is the leader), self_select, notifies, custom_print, third_party."""
        return await self._object("PATCH", f"/approvals/templates/{template_id}", changes)

    # 审批流程引擎

    async def make_open_template(
        self, template_id: str, name: str, nodes: Sequence[Mapping[str, Any]], **more: Any
    ) -> None:
        """Nodes `{"attr": 1 any | 2 all, "type": 1 userids | 2 tag | 3 superior, …}`; more: notify, agent_id."""
        body = {"template_id": template_id, "name": name, "nodes": [dict(node) for node in nodes]} | more
        await self._ask("PUT", "/open-approvals/templates", body)

    async def start_open_approval(self, userid: str, template_id: str, third_no: str, **more: Any) -> Fields:
        """The page that JS-SDK opens, confirmed. More: fields."""
        body = {"userid": userid, "template_id": template_id, "third_no": third_no} | more
        return await self._object("POST", "/open-approvals", body)

    async def open_approval(self, third_no: str) -> Fields:
        return await self._object("GET", f"/open-approvals/{third_no}")

    async def act_on_open_approval(
        self, userid: str, third_no: str, act: str, text: str = "", to: str | None = None
    ) -> Fields:
        """agree, reject, forward, withdraw."""
        body = {"userid": userid, "act": act, "text": text, "to": to}
        return await self._object("POST", f"/open-approvals/{third_no}/act", body)
