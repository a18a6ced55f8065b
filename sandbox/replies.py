"""Passive replies: what the service answered to an event, checked and shown (doc path/90241)."""

import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from sandbox.api.cards import check_card
from sandbox.conversations import Message
from sandbox.crypto import BadEnvelope
from sandbox.errors import PlatformError
from sandbox.pushes import Push
from sandbox.state import SandboxState

LISTS = frozenset(
    ["ActionList", "ButtonList", "HorizontalContentList", "VerticalContentList", "JumpList", "OptionList", "SelectList"]
)
NUMBERS = frozenset(["type", "style", "desc_color", "mode"])
FLAGS = frozenset(["disable", "is_checked"])
IRREGULAR = {
    "KeyName": "keyname",
    "Keyname": "keyname",
    "UserId": "userid",
    "UserID": "userid",
    "AppId": "appid",
    "PagePath": "pagepath",
    "CheckBox": "checkbox",
}


def apply_reply(state: SandboxState, push: Push, answer: str) -> None:
    """Change the clicker's phone as the reply says; a bad reply is noted on the push and ignored."""
    if not answer.strip() or answer.strip() == "success":
        return
    try:
        push.reply = _open_envelope(push, answer)
        _show(state, push, fromstring(push.reply))
    except (BadEnvelope, ParseError, LookupError, PlatformError) as error:
        push.reply_error = str(error) or repr(error)


def _open_envelope(push: Push, answer: str) -> str:
    envelope = fromstring(answer)
    encrypted = envelope.findtext("Encrypt") or ""
    timestamp, nonce = envelope.findtext("TimeStamp") or "", envelope.findtext("Nonce") or ""
    cryptor = push.target.cryptor
    if cryptor.sign(timestamp, nonce, encrypted) != (envelope.findtext("MsgSignature") or ""):
        raise BadEnvelope("the reply's signature does not match")
    return cryptor.decrypt(encrypted)


def _show(state: SandboxState, push: Push, reply: Element) -> None:
    kind = reply.findtext("MsgType") or ""
    if push.clicker is None or push.clicker not in state.company.people:
        raise LookupError("this event takes no reply")
    if kind == "update_button":
        _grey_button(state, push, reply.findtext("Button/ReplaceName") or "")
    elif kind == "update_template_card":
        _replace_card(state, push, reply)
    elif kind in {"text", "image", "voice", "video", "news"}:
        body = _as_object(reply)
        content = {"content": body.get("content", "")} if kind == "text" else body
        state.put_on_phone(push.clicker, reply_message(state, kind, content))
    else:
        raise LookupError(f"unknown reply type {kind!r}")


def reply_message(state: SandboxState, kind: str, body: dict[str, Any]) -> Message:
    return Message(state.next_id(), state.now(), state.config.agent_id, kind, body)


def _clicked_card(state: SandboxState, push: Push) -> Any:
    task_id = fromstring(push.plaintext).findtext("TaskId") or ""
    card = state.main_app.cards.get(task_id)
    if card is None:
        raise LookupError("a card reply to an event that is not a card's")
    return card


def _grey_button(state: SandboxState, push: Push, text: str) -> None:
    _clicked_card(state, push).own_face(push.clicker).greyed = text


def _replace_card(state: SandboxState, push: Push, reply: Element) -> None:
    given = reply.find("TemplateCard")
    if given is None:
        raise LookupError("TemplateCard is missing")
    replacement = _as_object(given)
    card = _clicked_card(state, push)
    check_card(replacement, for_update=True)
    face = card.own_face(push.clicker)
    face.card, face.greyed = replacement, replacement.get("replace_text") or None


def _as_object(element: Element) -> dict[str, Any]:
    """CamelCase elements as the snake_case object of the API; repeated ones as lists."""
    result: dict[str, Any] = {}
    for child in element:
        name = IRREGULAR.get(child.tag) or re.sub(r"(?<!^)(?=[A-Z])", "_", child.tag).lower()
        value: Any = _as_object(child) if len(child) else _scalar(name, (child.text or "").strip())
        if child.tag in LISTS:
            result.setdefault(name, []).append(value)
        else:
            result[name] = value
    return result


def _scalar(name: str, text: str) -> str | int | bool:
    if name in FLAGS:
        return text.lower() in {"1", "true"}
    return int(text) if name in NUMBERS and text.isdigit() else text
