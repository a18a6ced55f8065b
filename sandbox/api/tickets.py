"""JS-SDK tickets and the signature made of them (doc path/90506)."""

import hashlib
import math
import secrets
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.credentials import Ticket
from sandbox.errors import PlatformError, ok
from sandbox.state import SandboxState

CORP = "corp"


def get_jsapi_ticket(call: Call) -> dict[str, Any]:
    """The company's ticket, for `wx.config`; it takes no type (91040)."""
    if call.query.get("type"):
        raise PlatformError(91040)
    return _answer(call, CORP)


def ticket_get(call: Call) -> dict[str, Any]:
    """The app's own ticket, for `wx.agentConfig`."""
    if call.query.get("type") != "agent_config":
        raise PlatformError(91040)
    return _answer(call, str(call.require_app().agent_id))


def _answer(call: Call, owner: str) -> dict[str, Any]:
    """400 an hour for the company, 100 for each app, whichever ticket it asks for."""
    app = call.require_app()
    call.state.limits.charge("ticket of app", str(app.agent_id))
    call.state.limits.charge("ticket of corp")
    ticket = current_ticket(call.state, owner)
    return ok(ticket=ticket.value, expires_in=math.ceil(ticket.expires_at - call.state.now()))


def current_ticket(state: SandboxState, owner: str) -> Ticket:
    """The same ticket until it expires."""
    ticket = state.tickets.get(owner)
    if ticket is None or state.now() >= ticket.expires_at:
        ticket = Ticket(secrets.token_urlsafe(48), state.now() + state.config.token_seconds)
        state.tickets[owner] = ticket
    return ticket


def sign(ticket: str, noncestr: str, timestamp: int, url: str) -> str:
    """`url` without what follows the `#`."""
    page = url.partition("#")[0]
    joined = f"jsapi_ticket={ticket}&noncestr={noncestr}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(joined.encode()).hexdigest()  # noqa: S324 - the platform's own scheme


def _exact(handle: Any) -> Endpoint:
    return Endpoint("GET", handle, fidelity=Fidelity.EXACT, source="path/90506")


ENDPOINTS = {"get_jsapi_ticket": _exact(get_jsapi_ticket), "ticket/get": _exact(ticket_get)}
