"""The sandbox from Python: one method per act of an administrator, a person or the network.

async with SandboxClient(base_url="http://127.0.0.1:8901") as sandbox:
    await sandbox.click("zhangwei", "ack-1", "confirm")
    await sandbox.wait_idle()
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from sandbox.client_approvals import Approvals
from sandbox.client_customers import Customers
from sandbox.client_schedules import Schedules
from sandbox.config import Channel
from sandbox.faults import When

Fields = dict[str, Any]


class SandboxRefused(Exception):
    """The act was not possible. `errcode` is the platform's, where there is one."""

    def __init__(self, status: int, detail: str, errcode: int | None) -> None:
        self.status = status
        self.detail = detail
        self.errcode = errcode
        super().__init__(f"{status}: {detail}")


class VerificationFailed(Exception):
    """A callback address did not answer exactly the plaintext within one second; it was not saved."""


class SandboxClient(Approvals, Customers, Schedules):
    """Takes a ready httpx client (with `ASGITransport` and a base_url, say), or the sandbox's address."""

    def __init__(self, http: httpx.AsyncClient | None = None, *, base_url: str = "") -> None:
        self._owns_http = http is None
        self.http = http or httpx.AsyncClient(base_url=base_url, timeout=60)

    @classmethod
    def for_app(cls, app: Any, *, base_url: str = "http://sandbox") -> Self:
        """A client of a sandbox in the same process."""
        return cls(httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base_url, timeout=60))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self.http.aclose()

    async def _ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        params = {name: value for name, value in query.items() if value is not None}
        answer = await self.http.request(method, f"/sandbox{path}", json=body, params=params)
        if answer.is_error:
            given = _refusal(answer)
            raise SandboxRefused(answer.status_code, str(given.get("detail")), given.get("errcode"))
        return answer.json()

    # The platform

    async def overview(self) -> Fields:
        return await self._object("GET", "")

    async def _object(self, method: str, path: str, body: Any = None, **query: Any) -> Fields:
        answer: Fields = await self._ask(method, path, body, **query)
        return answer

    async def _list(self, path: str, **query: Any) -> list[Fields]:
        answer: list[Fields] = await self._ask("GET", path, **query)
        return answer

    async def configure(self, **changes: Any) -> Fields:
        """Change `SandboxConfig` fields that make sense while running, such as `contact_profile`."""
        return await self._object("PATCH", "/config", changes)

    async def set_callback_urls(
        self, *, app: str | None = None, contacts: str | None = None, verify: bool = True
    ) -> Fields:
        """Verify and save. Raises `VerificationFailed` when one of them is refused."""
        wanted = {"app": app, "contacts": contacts, "verify": verify}
        results = await self._object("PUT", "/callback-urls", wanted)
        bad = {name: result["error"] for name, result in results.items() if not result["ok"]}
        if bad:
            raise VerificationFailed(str(bad))
        return results

    async def forget_callback_urls(self) -> None:
        await self._ask("DELETE", "/callback-urls")

    async def expire_tokens(self) -> int:
        """Kill every access token; the next call with one gets 42001."""
        return int((await self._object("POST", "/expire-tokens"))["expired"])

    async def fail(
        self,
        endpoint: str,
        *,
        errcode: int | None = None,
        http_status: int | None = None,
        times: int | None = 1,
        when: When = "before",
        timeout: bool = False,  # noqa: ASYNC109 - a knob of the fault, not of this call
        drop: bool = False,
        delay: float = 0.0,
        answer: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> int:
        """Make the next `times` calls of `message/send`, say, go wrong (None: until cleared).

        `when="after"` lets the effect happen and hides the answer. `timeout` never answers,
        `drop` closes the connection; in process these raise `ReadTimeout` and
        `RemoteProtocolError` at once. `answer` lays fields over the real answer. `*` is every endpoint.
        More as in `sandbox.faults.Fault`: truncated, broken_json, expire_token, rate_limit, invalid_users,
        lost_users, and which calls: skip, chance, seed, app, match, contains.
        """
        fault = {
            "endpoint": endpoint,
            "errcode": errcode,
            "http_status": http_status,
            "times": times,
            "when": when,
            "timeout": timeout,
            "drop": drop,
            "delay": delay,
            "answer": None if answer is None else dict(answer),
        }
        fault |= more
        return int((await self._object("POST", "/faults", fault))["id"])

    async def clear_faults(self) -> None:
        await self._ask("DELETE", "/faults")

    async def limits(self) -> list[Fields]:
        """Every limit: kind, rule, most, and used, peak (of any window), refused, dropped over all subjects."""
        return await self._list("/limits")

    async def limit_counters(self, kind: str | None = None, subject: str | None = None) -> list[Fields]:
        """The same per subject, such as the app and member `1000002 17` of kind `message member`."""
        return await self._list("/limits/counters", kind=kind, subject=subject)

    async def change_limits(self, **numbers: int | None) -> Fields:
        """Some of the numbers of `sandbox.config.Limits`; the others stay."""
        return await self._object("PATCH", "/limits", numbers)

    async def forget_limits(self) -> None:
        """No use, no peaks, no blocks; the numbers stay."""
        await self._ask("DELETE", "/limits")

    async def push(
        self,
        event_xml: str,
        channel: Channel = "app",
        *,
        repeat: int = 1,
        same_ciphertext: bool = False,
    ) -> list[int | None]:
        """Sign and deliver any plaintext `repeat` times; the last HTTP status of each."""
        order = {
            "event_xml": event_xml,
            "channel": channel,
            "repeat": repeat,
            "same_ciphertext": same_ciphertext,
        }
        pushes = await self._ask("POST", "/push", order)
        return [sent["statuses"][-1] if sent["statuses"] else None for sent in pushes]

    async def callbacks(self, channel: Channel | None = None) -> list[Fields]:
        """All pushes so far: id, channel, plaintext, statuses, attempts, delivered, error, reply, reply_error."""
        return await self._list("/callbacks", channel=channel)

    async def forget_callbacks(self) -> None:
        await self._ask("DELETE", "/callbacks")

    async def calls(self, endpoint: str | None = None) -> list[Fields]:
        """API calls received: endpoint, path, app, query, body, errcode, time."""
        return await self._list("/calls", endpoint=endpoint)

    async def forget_calls(self) -> None:
        await self._ask("DELETE", "/calls")

    async def wait_idle(self) -> None:
        """Return once every queued push is delivered or given up."""
        await self._ask("POST", "/wait-idle")

    async def clock(self) -> Fields:
        return await self._object("GET", "/clock")

    async def advance_clock(self, seconds: float) -> Fields:
        """Let time pass for tokens, response codes, media, windows, and the timestamps of callbacks."""
        return await self._object("POST", "/clock", {"advance": seconds})

    async def set_clock_offset(self, seconds: float) -> Fields:
        return await self._object("POST", "/clock", {"offset": seconds})

    async def set_time(self, at: datetime) -> Fields:
        """Set the clock, which goes on from there, to an aware moment."""
        return await self._object("POST", "/clock", {"now": at.timestamp()})

    async def reset(self) -> None:
        """Back to the seeded company; callback addresses and changed configuration stay."""
        await self._ask("POST", "/reset")

    # Phones

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

    # Groups

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

    # People

    async def person(self, userid: str) -> Fields:
        return await self._object("GET", f"/people/{userid}")

    async def people(
        self, department: int | None = None, *, query: str = "", limit: int = 1_000, offset: int = 0
    ) -> list[Fields]:
        """In the order of creation; with `department` its direct members."""
        return await self._list("/people", department=department, query=query, limit=limit, offset=offset)

    async def hire(
        self,
        userid: str,
        name: str,
        department: Sequence[int] = (1,),
        *,
        mobile: str | None = None,
        active: bool = True,
        **fields: Any,
    ) -> Fields:
        """Further fields as in `user/create`. Not `active`: they have not joined yet, no subscribe."""
        body = {
            "userid": userid,
            "name": name,
            "department": list(department),
            "mobile": mobile,
            "active": active,
            "fields": fields,
        }
        return await self._object("POST", "/people", body)

    async def set_fields(self, userid: str, **fields: Any) -> Fields:
        """Any field of `user/update`: position, is_leader_in_dept, direct_leader, extattr, …"""
        return await self._object("PATCH", f"/people/{userid}", fields)

    async def set_name(self, userid: str, name: str) -> Fields:
        return await self.set_fields(userid, name=name)

    async def move(self, userid: str, departments: Sequence[int]) -> Fields:
        return await self.set_fields(userid, department=list(departments))

    async def rename_userid(self, userid: str, new_userid: str) -> Fields:
        return await self.set_fields(userid, new_userid=new_userid)

    async def disable(self, userid: str) -> Fields:
        return await self.set_fields(userid, enable=0)

    async def enable(self, userid: str) -> Fields:
        return await self.set_fields(userid, enable=1)

    async def activate(self, userid: str) -> Fields:
        return await self._object("POST", f"/people/{userid}/activate")

    async def delete_person(self, userid: str) -> None:
        await self._ask("DELETE", f"/people/{userid}")

    # The organisation

    async def departments(self) -> list[Fields]:
        return await self._list("/departments")

    async def create_department(
        self,
        name: str,
        parentid: int = 1,
        *,
        department_id: int | None = None,
        order: int = 0,
    ) -> Fields:
        body = {"name": name, "parentid": parentid, "id": department_id, "order": order}
        return await self._object("POST", "/departments", body)

    async def rename_department(self, department_id: int, name: str) -> Fields:
        return await self._object("PATCH", f"/departments/{department_id}", {"name": name})

    async def move_department(self, department_id: int, parentid: int) -> Fields:
        return await self._object("PATCH", f"/departments/{department_id}", {"parentid": parentid})

    async def delete_department(self, department_id: int) -> None:
        await self._ask("DELETE", f"/departments/{department_id}")

    async def tags(self) -> list[Fields]:
        return await self._list("/tags")

    async def create_tag(self, name: str, *, tag_id: int | None = None) -> Fields:
        return await self._object("POST", "/tags", {"name": name, "id": tag_id})

    async def add_to_tag(self, tag_id: int, userids: Sequence[str] = (), departments: Sequence[int] = ()) -> Fields:
        body = {"userids": list(userids), "departments": list(departments)}
        return await self._object("POST", f"/tags/{tag_id}/add", body)

    async def remove_from_tag(
        self, tag_id: int, userids: Sequence[str] = (), departments: Sequence[int] = ()
    ) -> Fields:
        body = {"userids": list(userids), "departments": list(departments)}
        return await self._object("POST", f"/tags/{tag_id}/remove", body)

    async def set_visible_range(
        self,
        *,
        users: Sequence[str] = (),
        parties: Sequence[int] = (),
        tags: Sequence[int] = (),
        agent_id: int | None = None,
    ) -> None:
        """Replace the app's 可见范围; the root department is `parties=[1]`."""
        body = {"users": list(users), "parties": list(parties), "tags": list(tags), "agent_id": agent_id}
        await self._ask("PUT", "/visible-range", body)

    async def set_unlicensed(self, userids: Sequence[str]) -> None:
        """Exactly these people have no licence and come back as `unlicenseduser`."""
        await self._ask("PUT", "/unlicensed", {"userids": list(userids)})


def _refusal(answer: httpx.Response) -> Fields:
    try:
        given = answer.json()
    except ValueError:
        return {"detail": answer.text}
    return given if isinstance(given, dict) else {"detail": str(given)}
