"""What a person does with their phone, and what they see on it."""

import secrets
from collections.abc import Mapping
from typing import Any

from sandbox import events
from sandbox.company import Person
from sandbox.conversations import Card, Face, Group, Media, Message, is_interactive
from sandbox.errors import PlatformError
from sandbox.state import App, SandboxState

MEDIA_SECONDS = 3 * 86_400
SILENCE = b"#!AMR\n" + 50 * (b"\x3c" + bytes(31))
MSGID_BASE = 7_300_000_000_000_000_000


class NotPossible(Exception):
    """A person tried what their phone does not offer: a card they never got, a grey button."""


def click(
    state: SandboxState, person: Person, task_id: str, key: str, selections: Mapping[str, list[str]] | None = None
) -> dict[str, Any]:
    """Press a button, a submit button or a menu entry of a card; `NotPossible` when it is not there.

    Selections not given are those on the face: what is checked, or the first option.
    """
    card = state.main_app.cards.get(task_id)
    if card is None or person.serial not in card.recipients:
        raise NotPossible(f"{person.userid} has no card {task_id}")
    face = card.face(person.serial)
    event = _event_of(face, key)
    chosen = _selections(face.card, selections or {}) if event == "template_card_event" else {}
    if chosen:
        card.own_face(person.serial).selections = chosen
    return _push_click(state, person, card, event=event, key=key, selections=chosen)


def _push_click(
    state: SandboxState, person: Person, card: Card, *, event: str, key: str, selections: dict[str, list[str]]
) -> dict[str, Any]:
    code = state.issue_response_code(card)
    state.last_active[person.serial] = state.now()
    plaintext = events.card_click(
        state.config.corp_id,
        card.agent_id,
        person.userid,
        state.now(),
        event=event,
        key=key,
        task_id=card.task_id,
        card_type=card.face(person.serial).card["card_type"],
        response_code=code,
        selections=selections,
    )
    push = state.pusher.push("app", plaintext, clicker=person.serial)
    return {"push": push.id, "event": event, "response_code": code}


def _event_of(face: Face, key: str) -> str:
    card = face.card
    if not is_interactive(card):
        raise NotPossible("the card is not interactive any more")
    if key in [entry.get("key") for entry in card.get("action_menu", {}).get("action_list", [])]:
        return "template_card_menu_event"
    if face.greyed:
        raise NotPossible(f"the button is grey: {face.greyed}")
    buttons = [b for b in card.get("button_list", []) if int(b.get("type", 0)) == 0]
    submit = [card["submit_button"]] if card.get("submit_button") else []
    if key not in [button.get("key") for button in [*buttons, *submit]]:
        raise NotPossible(f"the card has no button {key!r}")
    return "template_card_event"


def questions(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The questions of a card in one shape: key, title, options, defaults, several or one."""
    found = []
    if card.get("card_type") == "vote_interaction" and card.get("checkbox"):
        box = card["checkbox"]
        checked = [o["id"] for o in box["option_list"] if o.get("is_checked")]
        several = int(box.get("mode", 0)) == 1
        found.append(_question(box, "", checked, several=several))
    singles = card.get("select_list", []) if card.get("card_type") == "multiple_interaction" else []
    if card.get("card_type") == "button_interaction" and card.get("button_selection"):
        singles = [card["button_selection"]]
    for single in singles:
        default = single.get("selected_id") or single["option_list"][0]["id"]
        found.append(_question(single, single.get("title", ""), [default], several=False))
    return found


def _question(source: Mapping[str, Any], title: str, default: list[str], *, several: bool) -> dict[str, Any]:
    return {
        "key": source["question_key"],
        "title": title,
        "options": source["option_list"],
        "default": default,
        "several": several,
        "disabled": bool(source.get("disable")),
    }


def _selections(card: Mapping[str, Any], given: Mapping[str, list[str]]) -> dict[str, list[str]]:
    asked = {question["key"]: question for question in questions(card)}
    if unknown := set(given) - set(asked):
        raise NotPossible(f"the card does not ask {sorted(unknown)}")
    chosen = {key: list(given.get(key, question["default"])) for key, question in asked.items()}
    for key, ids in chosen.items():
        _check_choice(asked[key], ids)
    return {key: ids for key, ids in chosen.items() if ids}


def _check_choice(question: Mapping[str, Any], ids: list[str]) -> None:
    if set(ids) - {option["id"] for option in question["options"]}:
        raise NotPossible(f"no such option of {question['key']}: {ids}")
    if len(ids) > 1 and not question["several"]:
        raise NotPossible(f"{question['key']} takes one option")


def say(state: SandboxState, person: Person, text: str) -> dict[str, Any]:
    """Type a text to the main app."""
    message = Message(state.next_id(), state.now(), state.config.agent_id, "text", {"content": text}, person.serial)
    state.put_on_phone(person.serial, message)
    plaintext = events.text_message(
        state.config.corp_id,
        state.config.agent_id,
        person.userid,
        message.at,
        text,
        MSGID_BASE + message.id,
    )
    push = state.pusher.push("app", plaintext, clicker=person.serial)
    return {"push": push.id, "msgid": str(MSGID_BASE + message.id)}


def speak(state: SandboxState, person: Person) -> dict[str, Any]:
    """Hold the button and say something to the main app: a second of AMR in which nothing is heard."""
    expires_at = state.now() + MEDIA_SECONDS
    media = Media(secrets.token_urlsafe(32), "voice", "voice.amr", "audio/amr", SILENCE, expires_at)
    state.media[media.media_id] = media
    body = {"media_id": media.media_id, "format": "amr"}
    message = Message(state.next_id(), state.now(), state.config.agent_id, "voice", body, person.serial)
    state.put_on_phone(person.serial, message)
    plaintext = events.voice_message(
        state.config.corp_id,
        state.config.agent_id,
        person.userid,
        message.at,
        media.media_id,
        MSGID_BASE + message.id,
    )
    push = state.pusher.push("app", plaintext, clicker=person.serial)
    return {"push": push.id, "msgid": str(MSGID_BASE + message.id), "media_id": media.media_id}


def raise_app_event(state: SandboxState, person: Person, event: str, key: str = "") -> dict[str, Any]:
    """enter_agent, click, view and the like, from this person's phone."""
    if event == "enter_agent" and not state.main_app.reports_enter:
        return {"push": None}
    state.last_active[person.serial] = state.now()
    config = state.config
    plaintext = events.app_event(config.corp_id, config.agent_id, person.userid, state.now(), event, key)
    return {"push": state.pusher.push("app", plaintext, clicker=person.serial).id}


def menu_entries(menu: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """All entries that can be pressed, those inside sub-menus too."""
    found: list[dict[str, Any]] = []
    for entry in (menu or {}).get("button", []):
        found += entry.get("sub_button") or [entry]
    return found


def menu_click(state: SandboxState, person: Person, key: str) -> dict[str, Any]:
    """Press the menu entry with this key (click) or address (view)."""
    for entry in menu_entries(state.main_app.menu):
        if entry.get("key") == key:
            return raise_app_event(state, person, str(entry["type"]), key)
        if entry.get("url") == key:
            return raise_app_event(state, person, "view", key)
    raise NotPossible(f"the app's menu has no entry {key!r}")


# Views


def message_view(state: SandboxState, message: Message, reader: int) -> dict[str, Any]:
    """One message as one person sees it, with the current face of its card."""
    sender = state.company.people.get(message.sender) if message.sender is not None else None
    view: dict[str, Any] = {
        "id": message.id,
        "at": message.at,
        "from": "robot" if message.robot else "app" if message.sender is None else sender.userid if sender else "",
        "from_name": _sender_name(state, message, sender),
        "mine": message.sender == reader,
        "msgtype": message.msgtype,
        "msgid": message.msgid,
        "safe": message.safe,
        "recalled": message.recalled,
        "notice": message.notice,
        "mentioned": message.mentioned,
        "body": message.body,
        "text": "" if message.recalled else str(message.body.get("content", "")),
    }
    if message.card is not None:
        view |= _card_view(message.card, reader)
    return view


def _card_view(card: Card, reader: int) -> dict[str, Any]:
    face = card.face(reader)
    return {
        "task_id": card.task_id,
        "card": face.card,
        "greyed": face.greyed,
        "selections": face.selections,
        "questions": questions(face.card),
    }


def _sender_name(state: SandboxState, message: Message, sender: Person | None) -> str:
    if sender is not None:
        return sender.name
    if message.robot:
        return message.robot
    app = state.apps.get(message.agent_id)
    return app.name if app else ""


def phone(state: SandboxState, person: Person) -> dict[str, Any]:
    """All conversations of one person: the apps they see, then their groups, newest first."""
    groups = [state.groups[chatid] for chatid in state.groups_of.get(person.serial, {})]
    groups.sort(key=lambda g: g.messages[-1].at if g.messages else g.created_at, reverse=True)
    apps = [app for app in state.apps.values() if sees_app(state, app, person)]
    conversations = [_app_view(state, app, person) for app in apps]
    conversations += [_group_conversation(state, group, person) for group in groups]
    return {"userid": person.userid, "name": person.name, "conversations": conversations}


def sees_app(state: SandboxState, app: App, person: Person) -> bool:
    if app.is_main or state.sight(app).sees_person(person):
        return True
    return any(message.agent_id == app.agent_id for message in state.phones.get(person.serial, []))


def _app_view(state: SandboxState, app: App, person: Person) -> dict[str, Any]:
    mine = [m for m in state.phones.get(person.serial, []) if m.agent_id == app.agent_id]
    return {
        "kind": "app",
        "id": f"app-{app.agent_id}",
        "agent_id": app.agent_id,
        "title": app.name,
        "menu": app.menu,
        "messages": [message_view(state, message, person.serial) for message in mine],
    }


def _group_conversation(state: SandboxState, group: Group, person: Person) -> dict[str, Any]:
    view = group_view(state, group)
    messages = [
        message_view(state, message, person.serial)
        for message in group.messages
        if person.serial not in message.missed_by
    ]
    return view | {"kind": "group", "id": f"group-{group.chatid}", "title": group.name, "messages": messages}


def group_view(state: SandboxState, group: Group) -> dict[str, Any]:
    people = [state.company.people[serial] for serial in group.members if serial in state.company.people]
    owner = state.company.people.get(group.owner)
    return {
        "chatid": group.chatid,
        "name": group.name,
        "owner": owner.userid if owner else "",
        "agent_id": group.agent_id,
        "dismissed": group.dismissed,
        "created_at": group.created_at,
        "userlist": [person.userid for person in people],
        "members": [{"userid": person.userid, "name": person.name} for person in people],
    }


def require_group(state: SandboxState, chatid: str) -> Group:
    group = state.groups.get(chatid)
    if group is None:
        raise PlatformError(86003, chatid)
    return group
