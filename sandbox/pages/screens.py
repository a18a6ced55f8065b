"""What stands on each screen of a phone: conversations, one conversation, its members, contacts, oneself."""

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.company import ROOT, Person
from sandbox.conversations import Group, Message
from sandbox.pages.directory import children, colour, find_people, headcount, path_to, person_row
from sandbox.phone_acts import message_view, sees_app
from sandbox.rendering import in_a_list
from sandbox.state import App, SandboxState

FACES_IN_AVATAR = 4
MESSAGES_SHOWN = 60
UNREAD_SHOWN = 99
PEOPLE_SHOWN = 200
KINDS = {
    "image": "[图片]",
    "voice": "[语音]",
    "video": "[视频]",
    "file": "[文件]",
    "news": "[图文]",
    "mpnews": "[图文]",
    "markdown": "",
    "markdown_v2": "",
}


class Conversation:
    """One line of the list: an app, or a group, with the messages this person can see."""

    def __init__(self, state: SandboxState, person: Person, subject: App | Group) -> None:
        self.state = state
        self.person = person
        self.subject = subject
        self.is_group = isinstance(subject, Group)

    @property
    def id(self) -> str:
        return f"group-{self.subject.chatid}" if isinstance(self.subject, Group) else f"app-{self.subject.agent_id}"

    def backwards(self) -> Iterator[Message]:
        """The latest first."""
        subject, serial = self.subject, self.person.serial
        if isinstance(subject, Group):
            return (m for m in reversed(subject.messages) if serial not in m.missed_by)
        mine: Sequence[Message] = self.state.phones.get(serial, [])
        return (m for m in reversed(mine) if m.agent_id == subject.agent_id)

    def unread(self) -> int:
        """How many have come since the conversation was last open; one more than shown means many."""
        seen = self.state.read_up_to.get((self.person.serial, self.id), 0)
        count = 0
        for message in self.backwards():
            if message.id <= seen or count > UNREAD_SHOWN:
                break
            count += message.sender != self.person.serial and not message.notice
        return count

    def mark_read(self) -> None:
        latest = next(self.backwards(), None)
        if latest is not None:
            self.state.read_up_to[self.person.serial, self.id] = latest.id

    def row(self) -> dict[str, Any]:
        latest = next(self.backwards(), None)
        fallback = self.subject.created_at if isinstance(self.subject, Group) else 0.0
        return {
            "id": self.id,
            "is_group": self.is_group,
            "title": self.subject.name,
            "faces": self._faces(),
            "size": len(self.subject.members) if isinstance(self.subject, Group) else 0,
            "at": latest.at if latest else None,
            "sorted_by": latest.at if latest else fallback,
            "unread": self.unread(),
            "preview": preview(self.state, latest, self.person, in_group=self.is_group) if latest else "",
        }

    def _faces(self) -> list[dict[str, Any]]:
        if not isinstance(self.subject, Group):
            return []
        found = (self.state.company.people.get(s) for s in list(self.subject.members)[:FACES_IN_AVATAR])
        return [{"name": p.name, "colour": colour(p.serial)} for p in found if p is not None]


def conversations(state: SandboxState, person: Person) -> list[Conversation]:
    """Apps and groups of one person, those with the latest message first."""
    apps = [Conversation(state, person, app) for app in state.apps.values() if sees_app(state, app, person)]
    groups = [Conversation(state, person, state.groups[chatid]) for chatid in state.groups_of.get(person.serial, {})]
    return apps + groups


def unread_total(state: SandboxState, person: Person) -> int:
    return sum(conversation.unread() for conversation in conversations(state, person))


def preview(state: SandboxState, message: Message, reader: Person, *, in_group: bool) -> str:
    """The last line of a conversation, as the list shows it."""
    if message.notice:
        return message.notice
    sender = state.company.people.get(message.sender) if message.sender is not None else None
    app = state.apps.get(message.agent_id)
    who = sender.name if sender else message.robot or (app.name if app else "")
    if message.recalled:
        return f"{who}撤回了一条消息"
    if message.card is not None:
        card = message.card.face(reader.serial).card
        text = "[卡片] " + str(card.get("main_title", {}).get("title") or card.get("sub_title_text", ""))
    else:
        body = message.body
        title = next((str(a.get("title", "")) for a in body.get("articles", [])), body.get("title", ""))
        said = in_a_list(str(body.get("content") or ""))
        text = f"{KINDS.get(message.msgtype, '')}{said or title or body.get('filename', '')}"
    named = in_group and sender is not reader and bool(who)
    return f"{who}: {text}" if named else text


def conversation_screen(conversation: Conversation, *, most: int = MESSAGES_SHOWN) -> dict[str, Any]:
    """The messages, oldest first, and what stands around them."""
    state, person, subject = conversation.state, conversation.person, conversation.subject
    latest: list[Message] = []
    more = False
    for message in conversation.backwards():
        if len(latest) == most:
            more = True
            break
        latest.append(message)
    row = conversation.row()
    return row | {
        "messages": [_message(state, message, person) for message in reversed(latest)],
        "more": most * 3 if more else 0,
        "menu": subject.menu if isinstance(subject, App) else None,
        "home_url": subject.home_url if isinstance(subject, App) else "",
        "takes_text": isinstance(subject, Group) or subject.is_main,
        "chatid": subject.chatid if isinstance(subject, Group) else "",
    }


def _message(state: SandboxState, message: Message, reader: Person) -> dict[str, Any]:
    view = message_view(state, message, reader.serial)
    media = state.media.get(str(message.body.get("media_id", "")))
    view["media"] = media
    view["size"] = len(media.content) if media else 0
    view["colour"] = colour(message.sender) if message.sender is not None else None
    return view


def group_screen(state: SandboxState, group: Group, person: Person) -> dict[str, Any]:
    """Members, owner first, and what this person's role permits."""
    serials = [group.owner, *(serial for serial in group.members if serial != group.owner)]
    members = [state.company.people[s] for s in serials if s in state.company.people and s in group.members]
    return {
        "chatid": group.chatid,
        "name": group.name,
        "agent_id": group.agent_id,
        "app": state.apps[group.agent_id].name if group.agent_id in state.apps else "",
        "is_owner": group.owner == person.serial,
        "robots": [robot for robot in state.robots.values() if robot.chatid == group.chatid],
        "members": [
            {"userid": p.userid, "name": p.name, "colour": colour(p.serial), "is_owner": p.serial == group.owner}
            for p in members
        ],
    }


def contacts_screen(state: SandboxState, department_id: int, wanted: str) -> dict[str, Any]:
    """One department with what is below it, or what a search finds."""
    if wanted:
        found, total = find_people(state, wanted, limit=PEOPLE_SHOWN)
        return {"people": [person_row(state, p) for p in found], "departments": [], "path": [], "total": total}
    if department_id not in state.company.departments:
        department_id = ROOT
    counts = headcount(state)
    below = [{"id": d.id, "name": d.name, "count": counts[d.id]} for d in children(state, department_id)]
    direct = state.company.direct_members(department_id)
    return {
        "path": [{"id": d.id, "name": d.name} for d in path_to(state, department_id)],
        "departments": below,
        "people": [person_row(state, p) for p in direct[:PEOPLE_SHOWN]],
        "total": len(direct),
    }


def profile(state: SandboxState, person: Person) -> dict[str, Any]:
    """Somebody's card in the contacts."""
    leaders = [state.company.people[s] for s in person.direct_leaders if s in state.company.people]
    return person_row(state, person) | {
        "mobile": person.mobile,
        "email": person.email,
        "telephone": person.telephone,
        "alias": person.alias,
        "leaders": [(leader.userid, leader.name) for leader in leaders],
        "tags": [tag.name for tag in state.company.tags.values() if person.serial in tag.people],
        "place": " / ".join(d.name for d in path_to(state, person.main_department)),
        "licensed": person.licensed,
        "is_enabled": person.is_enabled,
    }
