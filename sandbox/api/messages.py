"""message/send, message/recall and message/update_template_card (doc path/90236, path/94867, path/94888)."""

import hashlib
import secrets
from typing import Any

from sandbox.api import audience
from sandbox.api.agents import own_app
from sandbox.api.bodies import checked_body, translate_ids
from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.api.cards import check_card
from sandbox.conversations import INTERACTIVE, Card, Message, ResponseCode, is_interactive
from sandbox.errors import PlatformError, ok
from sandbox.limits import HOUR, day_of
from sandbox.state import App, SentOnce

TYPES = frozenset(
    ["text", "image", "voice", "video", "file", "textcard", "news", "mpnews", "markdown", "template_card"]
)
NOTICE = "miniprogram_notice"
DUPLICATE_SECONDS = 1_800
DUPLICATE_MOST = 14_400
RECALL_SECONDS = 24 * HOUR


def send(call: Call) -> dict[str, Any]:
    app = _sender(call)
    if call.body.get("msgtype") not in TYPES | {NOTICE}:
        raise PlatformError(40008)
    if (answer := _suppressed(call)) is not None:
        return answer
    message = _message(call, app)
    people = audience.of_message(call, app)
    call.state.limits.charge("message day", str(app.agent_id), amount=len(people.people))
    answer = ok(**people.as_answer(), msgid=message.msgid)
    answer |= _deliver(call, app, message, list(people.people))
    if call.body.get("enable_duplicate_check") == 1:
        call.state.sent_once[_fingerprint(call)] = SentOnce(call.state.now(), answer)
    return answer


def _sender(call: Call) -> App:
    """The app that the body names. A mini-program notice names none, and knows no `@all` (doc path/90236)."""
    if call.body.get("msgtype") != NOTICE:
        return own_app(call, call.body.get("agentid"))
    app = call.require_app()
    if not call.state.config.app_has_mini_program:
        raise PlatformError(48002, "no mini program is bound to this app")
    if audience.EVERYONE in str(call.body.get("touser", "")):
        raise PlatformError(81013, "@all is not supported")
    return app


def _message(call: Call, app: App) -> Message:
    """The message, checked and not yet sent; nothing is remembered of it."""
    state, msgtype = call.state, call.body["msgtype"]
    message = Message(state.next_id(), state.now(), app.agent_id, msgtype, {}, msgid=state.manners.new_msgid())
    message.safe = int(call.body.get("safe") or 0)
    if msgtype == "template_card":
        message.card = _card(call, app)
    else:
        message.body = _translated(call, checked_body(call, msgtype, in_group=False))
    return message


def _translated(call: Call, value: dict[str, Any]) -> dict[str, Any]:
    translated: dict[str, Any] = translate_ids(call, value) if call.body.get("enable_id_trans") == 1 else value
    return translated


def _card(call: Call, app: App) -> Card:
    card = check_card(call.body.get("template_card"))
    if is_interactive(card) and not (app.is_main and call.state.channels["app"].url):
        raise PlatformError(43012)
    task_id = str(card.get("task_id") or f"untitled-{secrets.token_hex(8)}")
    if task_id in app.cards:
        raise PlatformError(42014, "task_id existed")
    return Card(app.agent_id, task_id, _translated(call, card))


def _deliver(call: Call, app: App, message: Message, serials: list[int]) -> dict[str, str]:
    """Put it on the phones, silently not on those over their limit; the response code of a card."""
    state = call.state
    userid = {serial: state.company.people[serial].userid for serial in serials}
    reached = [s for s in serials if _has_room(call, app, s) and not call.is_lost(userid[s])]
    for serial in reached:
        state.put_on_phone(serial, message)
    state.delivered[app.agent_id, day_of(message.at)] += len(reached)
    state.messages[message.msgid] = message
    if message.card is None:
        return {}
    message.card.recipients.update(reached)
    app.cards[message.card.task_id] = message.card
    return {"response_code": state.issue_response_code(message.card)} if is_interactive(message.card.original) else {}


def _has_room(call: Call, app: App, serial: int) -> bool:
    """30 a minute and 1,000 an hour to one member; the excess vanishes (doc path/90312)."""
    return call.state.limits.take("message member", f"{app.agent_id} {serial}")


# Duplicates


def _fingerprint(call: Call) -> bytes:
    """The app and the body, byte for byte."""
    return hashlib.sha256(call.identity.encode() + b" " + call.raw).digest()


def _suppressed(call: Call) -> dict[str, Any] | None:
    """The answer for a body sent before within its window; None when it must be sent."""
    if call.body.get("enable_duplicate_check") != 1:
        return None
    window = min(int(call.body.get("duplicate_check_interval") or DUPLICATE_SECONDS), DUPLICATE_MOST)
    first = call.state.sent_once.get(_fingerprint(call))
    if first is None or call.state.now() >= first.at + window:
        return None
    match call.state.config.duplicate_answer:
        case "full":
            return first.answer
        case "bare":
            return ok()
        case "error":
            raise PlatformError(call.state.config.duplicate_errcode)


# Afterwards


def recall(call: Call) -> dict[str, Any]:
    app = call.require_app()
    message = call.state.messages.get(str(call.body.get("msgid")))
    if message is None or message.agent_id != app.agent_id:
        raise PlatformError(40058, "msgid")
    if call.state.now() > message.at + RECALL_SECONDS:
        raise PlatformError(42052)
    message.recalled = True
    if message.card is not None:
        message.card.recipients.clear()
    return ok()


def get_statistics(call: Call) -> dict[str, Any]:
    """Person-times delivered today (0, the default) or yesterday (1); the caller's own app."""
    app, time_type = call.require_app(), call.body.get("time_type", 0)
    if time_type not in (0, 1):
        raise PlatformError(40058, "time_type")
    count = call.state.delivered[app.agent_id, day_of(call.state.now()) - time_type]
    return ok(statistics=[{"agentid": app.agent_id, "app_name": app.name, "count": count}])


def update_template_card(call: Call) -> dict[str, Any]:
    """Variant A greys the button, variant B replaces the card, for the recipients named."""
    app = own_app(call, call.body.get("agentid"))
    code = _valid_code(call, app)
    card, change = code.card, _change(call, code.card)
    people, bad = audience.of_update(call, app, card.recipients)
    if not people:
        raise PlatformError(81013)
    code.used = True
    for serial in people:
        face = card.own_face(serial)
        face.card = change.get("card", face.card)
        face.greyed = change["greyed"]
        call.state.last_active[serial] = call.state.now()
    return ok(invaliduser=bad)


def _valid_code(call: Call, app: App) -> ResponseCode:
    """One use (42022), 72 hours (60140), and only the app that sent the card (42015)."""
    value = call.body.get("response_code")
    if not value:
        raise PlatformError(40063, "response_code")
    code = call.state.response_codes.get(str(value))
    if code is None or code.expires_at <= call.state.now():
        raise PlatformError(60140)
    if code.used:
        raise PlatformError(42022)
    if code.card.agent_id != app.agent_id:
        raise PlatformError(42015)
    return code


def _change(call: Call, card: Card) -> dict[str, Any]:
    """What the faces become: the greyed text, and the new card in variant B."""
    replacement, button = call.body.get("template_card"), call.body.get("button")
    if replacement:
        checked = _translated(call, check_card(replacement, for_update=True))
        greyed = checked.get("replace_text") if checked["card_type"] in INTERACTIVE else None
        return {"card": checked, "greyed": greyed or None}
    if not isinstance(button, dict) or not button.get("replace_name"):
        raise PlatformError(42020)
    if card.original["card_type"] not in INTERACTIVE:
        raise PlatformError(42031)
    return {"greyed": str(button["replace_name"])}


ENDPOINTS = {
    "message/send": Endpoint(
        "POST",
        send,
        is_metered=False,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90236",
        note="保密（safe）不影响显示；小程序打不开，其错误码按 90200–90208 推定",
        note_en="safe changes nothing that is shown; mini programs do not open, their codes are guessed in 90200-90208",
    ),
    "message/get_statistics": Endpoint(
        "POST",
        get_statistics,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/92369",
        note="现行文档已无此页，是否仍可用未确认",
        note_en="no page of the present documentation; whether it still exists is not confirmed",
    ),
    "message/recall": Endpoint("POST", recall, fidelity=Fidelity.EXACT, source="path/94867"),
    "message/update_template_card": Endpoint(
        "POST", update_template_card, fidelity=Fidelity.EXACT, source="path/94888"
    ),
}
