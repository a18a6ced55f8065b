"""Access tokens, and who stands behind one (doc path/91039)."""

import math
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.errors import PlatformError, ok
from sandbox.state import CONTACTS, App, SandboxState, Token


def gettoken(call: Call) -> dict[str, Any]:
    """The same token until it expires. Repeated bad secrets block the caller's address."""
    state = call.state
    corp_id, secret = call.query.get("corpid"), call.query.get("corpsecret")
    if not corp_id:
        raise PlatformError(41002)
    if not secret:
        raise PlatformError(41004)
    state.limits.refuse_if_blocked("bad secret", call.from_ip)
    if corp_id != state.config.corp_id:
        raise PlatformError(40013)
    if secret not in _secrets(state):
        state.limits.charge("bad secret", call.from_ip)
        raise PlatformError(40001)
    token = _current_token(state, secret)
    return ok(access_token=token.value, expires_in=math.ceil(token.expires_at - state.now()))


def _secrets(state: SandboxState) -> dict[str, App | None]:
    known: dict[str, App | None] = {app.secret: app for app in state.apps.values()}
    customers = state.customer_contact
    return known | {customers.secret: customers, state.config.contacts_secret: None}


def _current_token(state: SandboxState, secret: str) -> Token:
    for token in state.tokens.values():
        if token.secret == secret and state.now() < token.expires_at:
            return token
    token = Token(state.manners.new_token(), secret, state.now() + state.config.token_seconds)
    state.tokens[token.value] = token
    return token


def caller_of(state: SandboxState, value: str | None) -> App | None:
    """The app behind a token, or None for contacts; 41001, 40014 and 42001 otherwise."""
    if not value:
        raise PlatformError(41001)
    token = state.tokens.get(value)
    if token is None:
        raise PlatformError(40014)
    if state.now() >= token.expires_at:
        raise PlatformError(42001)
    known = _secrets(state)
    if token.secret not in known:
        raise PlatformError(40014)
    return known[token.secret]


def identity_of(state: SandboxState, value: str | None) -> str:
    """The agent id or `contacts` behind a token, expired or not; empty when there is none."""
    token = state.tokens.get(value or "")
    if token is None or token.secret not in (known := _secrets(state)):
        return ""
    app = known[token.secret]
    return CONTACTS if app is None else str(app.agent_id)


def kill(state: SandboxState, value: str | None) -> None:
    token = state.tokens.get(value or "")
    if token is not None:
        token.expires_at = min(token.expires_at, state.now())


def expire_tokens(state: SandboxState) -> int:
    """Kill every token early, as the platform may at any time; how many were alive."""
    alive = [token for token in state.tokens.values() if state.now() < token.expires_at]
    for token in alive:
        token.expires_at = state.now()
    return len(alive)


def callback_addresses(call: Call) -> dict[str, Any]:
    """Where callbacks come from; may hold wildcards."""
    return ok(ip_list=call.state.config.callback_ips)


def domain_addresses(_call: Call) -> dict[str, Any]:
    return ok(ip_list=["127.0.0.1", "::1"])


ENDPOINTS = {
    "gettoken": Endpoint("GET", gettoken, needs_token=False, fidelity=Fidelity.EXACT, source="path/91039"),
    "getcallbackip": Endpoint("GET", callback_addresses, fidelity=Fidelity.EXACT, source="path/90930"),
    "get_api_domain_ip": Endpoint(
        "GET",
        domain_addresses,
        fidelity=Fidelity.ANSWERS_ONLY,
        source="path/92520",
        note="总是本机地址",
        note_en="always this machine",
    ),
}
