"""The plaintext of callbacks (doc path/90240, path/90970, path/90971, path/90972)."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.company import Department, Person
from sandbox.config import ContactProfile

PERSONAL_IN_EVENTS = {
    "Name": "name",
    "Position": "position",
    "Mobile": "mobile",
    "Gender": "gender",
    "Email": "email",
    "BizMail": "biz_mail",
    "Status": "status",
    "Alias": "alias",
    "Telephone": "telephone",
    "Address": "address",
    "MainDepartment": "main_department",
}


def cdata(text: str) -> str:
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def element(name: str, value: Any) -> str:
    return f"<{name}>{value if isinstance(value, int) else cdata(str(value))}</{name}>"


def elements(values: Mapping[str, Any]) -> str:
    return "".join(element(name, value) for name, value in values.items())


def envelope(corp_id: str, sender: str, at: float, msgtype: str, rest: str) -> str:
    head = {"ToUserName": corp_id, "FromUserName": sender, "CreateTime": int(at), "MsgType": msgtype}
    return f"<xml>{elements(head)}{rest}</xml>"


def app_event(corp_id: str, agent_id: int, userid: str, at: float, event: str, key: str = "") -> str:
    """subscribe, unsubscribe, enter_agent, click, view: all have an EventKey, often empty."""
    rest = elements({"Event": event, "EventKey": key, "AgentID": agent_id})
    return envelope(corp_id, userid, at, "event", rest)


def text_message(corp_id: str, agent_id: int, userid: str, at: float, text: str, msgid: int) -> str:
    rest = elements({"Content": text, "MsgId": msgid, "AgentID": agent_id})
    return envelope(corp_id, userid, at, "text", rest)


def voice_message(corp_id: str, agent_id: int, userid: str, at: float, media_id: str, msgid: int) -> str:
    rest = elements({"MediaId": media_id, "Format": "amr", "MsgId": msgid, "AgentID": agent_id})
    return envelope(corp_id, userid, at, "voice", rest)


def card_click(
    corp_id: str,
    agent_id: int,
    userid: str,
    at: float,
    *,
    event: str,
    key: str,
    task_id: str,
    card_type: str,
    response_code: str,
    selections: Mapping[str, Iterable[str]],
) -> str:
    """`template_card_event`, or `template_card_menu_event`, which never carries selections."""
    head = {
        "Event": event,
        "EventKey": key,
        "TaskId": task_id,
        "CardType": card_type,
        "ResponseCode": response_code,
        "AgentID": agent_id,
    }
    items = "".join(_selected(question, options) for question, options in selections.items())
    selected = f"<SelectedItems>{items}</SelectedItems>" if items else ""
    return envelope(corp_id, userid, at, "event", elements(head) + selected)


def _selected(question: str, options: Iterable[str]) -> str:
    ids = "".join(element("OptionId", option) for option in options)
    return f"<SelectedItem>{element('QuestionKey', question)}<OptionIds>{ids}</OptionIds></SelectedItem>"


class ContactEvents:
    """`change_contact` in one of the two profiles, for the contacts channel."""

    def __init__(self, corp_id: str, profile: ContactProfile, at: float) -> None:
        self.corp_id = corp_id
        self.is_full = profile == "legacy_full"
        self.at = at

    def _event(self, change: str, rest: Mapping[str, Any], more: str = "") -> str:
        head = elements({"Event": "change_contact", "ChangeType": change})
        return envelope(self.corp_id, "sys", self.at, "event", head + elements(rest) + more)

    def create_user(self, person: Person, leaders: list[str]) -> str:
        rest: dict[str, Any] = {"UserID": person.userid, "Department": _commas(person.departments)}
        if self.is_full:
            rest |= _full_user(person, leaders)
        return self._event("create_user", rest, _extattr(person) if self.is_full else "")

    def update_user(
        self, person: Person, *, old_userid: str, changed: frozenset[str], leaders: list[str]
    ) -> str | None:
        """None when this profile keeps silent.

        The newer profile speaks only of departments and userids. The older one names the member
        and sends the elements that changed, and `Department` always.
        """
        speaks = self.is_full or bool(changed & {"departments", "userid"})
        if not changed or not speaks:
            return None
        rest: dict[str, Any] = {"UserID": old_userid}
        if "userid" in changed:
            rest["NewUserID"] = person.userid
        rest["Department"] = _commas(person.departments)
        if self.is_full:
            wanted = _full_user(person, leaders)
            rest |= {name: value for name, value in wanted.items() if _source(name) in changed}
        return self._event("update_user", rest, _extattr(person) if "extattr" in changed else "")

    def delete_user(self, userid: str) -> str:
        return self._event("delete_user", {"UserID": userid})

    def create_party(self, department: Department) -> str:
        rest: dict[str, Any] = {"Id": department.id}
        if self.is_full:
            rest["Name"] = department.name
        rest["ParentId"] = str(department.parentid)
        if self.is_full:
            rest["Order"] = department.order
        return self._event("create_party", rest)

    def update_party(self, department: Department, *, moved: bool) -> str | None:
        """The newer profile tells of a new parent only (not confirmed by the documentation)."""
        if not (self.is_full or moved):
            return None
        rest: dict[str, Any] = {"Id": department.id}
        if self.is_full:
            rest["Name"] = department.name
        return self._event("update_party", rest | {"ParentId": str(department.parentid)})

    def delete_party(self, department_id: int) -> str:
        return self._event("delete_party", {"Id": department_id})

    def update_tag(
        self,
        tag_id: int,
        *,
        add_users: Iterable[str] = (),
        del_users: Iterable[str] = (),
        add_parties: Iterable[int] = (),
        del_parties: Iterable[int] = (),
    ) -> str:
        rest = {
            "TagId": tag_id,
            "AddUserItems": _commas(add_users),
            "DelUserItems": _commas(del_users),
            "AddPartyItems": _commas(add_parties),
            "DelPartyItems": _commas(del_parties),
        }
        return self._event("update_tag", rest)


def _commas(items: Iterable[Any]) -> str:
    return ",".join(str(item) for item in items)


def _full_user(person: Person, leaders: list[str]) -> dict[str, Any]:
    values = {name: getattr(person, field) for name, field in PERSONAL_IN_EVENTS.items()}
    return values | {"IsLeaderInDept": _commas(person.leads), "DirectLeader": _commas(leaders)}


def _source(name: str) -> str:
    """The field of `Person` behind an element."""
    return {"IsLeaderInDept": "leads", "DirectLeader": "direct_leaders"}.get(name) or PERSONAL_IN_EVENTS[name]


def _extattr(person: Person) -> str:
    items = "".join(_extattr_item(item) for item in person.extattr.get("attrs", []))
    return f"<ExtAttr>{items}</ExtAttr>" if items else ""


def _extattr_item(item: Mapping[str, Any]) -> str:
    head = element("Name", item.get("name", "")) + element("Type", int(item.get("type", 0)))
    if item.get("type") == 1:
        web = item.get("web", {})
        body = element("Title", web.get("title", "")) + element("Url", web.get("url", ""))
        return f"<Item>{head}<Web>{body}</Web></Item>"
    return f"<Item>{head}<Text>{element('Value', item.get('text', {}).get('value', ''))}</Text></Item>"
