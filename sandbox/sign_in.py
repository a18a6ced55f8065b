"""Who somebody is, told to a web page: codes of web OAuth and of the desktop login, and user tickets.

doc path/91022, path/91023, path/95833, path/98152. A code is used once within five minutes, a ticket lives
half an hour.
"""

import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox.company import Person
from sandbox.credentials import LoginCode, UserTicket
from sandbox.errors import PlatformError
from sandbox.state import App, SandboxState

CODE_SECONDS = 300
TICKET_SECONDS = 1_800
STATE = re.compile(r"[a-zA-Z0-9]{0,128}")
PRIVATE = "snsapi_privateinfo"
SCOPES = frozenset(["snsapi_base", PRIVATE, "snsapi_userinfo"])
FIELDS = ("gender", "avatar", "qr_code", "mobile", "email", "biz_mail", "address")
"""What a member may agree to, one by one, for `snsapi_privateinfo`."""


@dataclass(frozen=True)
class Asking:
    """What a page's link to the platform asks for, checked."""

    redirect_uri: str
    state: str
    app: App | None
    scope: str = "snsapi_base"

    @property
    def wants_fields(self) -> bool:
        """Without an agentid the scope falls back to snsapi_base (doc path/91022)."""
        return self.scope == PRIVATE and self.app is not None

    def back(self, code: str | None) -> str:
        """Where the browser goes; a refusal carries the state alone."""
        joint = "&" if "?" in self.redirect_uri else "?"
        query = f"state={self.state}" if code is None else f"code={code}&state={self.state}"
        before, hash_mark, after = self.redirect_uri.partition("#")
        return f"{before}{joint}{query}{hash_mark}{after}"


def checked(state: SandboxState, *, appid: str, agentid: str, redirect_uri: str, given: str, scope: str) -> Asking:
    """40013, 40056, 50001 for a host that is not trusted, 84025 for a bad state, 40058 for a bad scope."""
    if appid != state.config.corp_id:
        raise PlatformError(40013)
    if not STATE.fullmatch(given):
        raise PlatformError(84025)
    if scope not in SCOPES:
        raise PlatformError(40058, "scope")
    app = None
    if agentid:
        app = state.apps.get(int(agentid)) if agentid.isdigit() else None
        if app is None:
            raise PlatformError(40056)
    if not trusts(state, app or state.main_app, redirect_uri):
        raise PlatformError(50001)
    return Asking(redirect_uri, given, app, scope)


def trusts(state: SandboxState, app: App, redirect_uri: str) -> bool:
    """The whole host with its port must be the app's trusted domain, or one of the login's own domains."""
    parts = urlsplit(redirect_uri)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return False
    trusted = [domain for domain in (app.redirect_domain, *state.config.login_domains) if domain]
    return not trusted or parts.netloc.lower() in [domain.lower() for domain in trusted]


def issue_code(
    state: SandboxState, asking: Asking, person: Person, *, agreed: tuple[str, ...] = FIELDS, is_desktop: bool = False
) -> str:
    """A code for this member. Outside the app's range private fields, and the desktop login, are refused."""
    app = asking.app
    in_range = app is None or state.can_be_reached(app, person)
    if not in_range and (asking.wants_fields or is_desktop):
        raise PlatformError(50002)
    agent_id = app.agent_id if app else None
    fields = agreed if asking.wants_fields and not is_desktop else None
    return _keep(state, LoginCode(agent_id, person.serial, state.now() + CODE_SECONDS, fields))


def issue_outside_code(state: SandboxState, asking: Asking, openid: str, external_userid: str = "") -> str:
    """A code for a visitor who is no member."""
    agent_id = asking.app.agent_id if asking.app else None
    code = LoginCode(agent_id, None, state.now() + CODE_SECONDS, openid=openid, external_userid=external_userid)
    return _keep(state, code)


def _keep(state: SandboxState, code: LoginCode) -> str:
    value = secrets.token_urlsafe(32)
    state.sign_ins.codes[value] = code
    return value


def redeem(state: SandboxState, app: App, value: str) -> LoginCode:
    """41008 without a code, 40029 for a wrong or used one, 42003 for one that is too old."""
    if not value:
        raise PlatformError(41008)
    code = state.sign_ins.codes.get(value)
    if code is None or code.used or code.agent_id not in (None, app.agent_id):
        raise PlatformError(40029)
    if state.now() >= code.expires_at:
        raise PlatformError(42003)
    if code.serial is not None and code.serial not in state.company.people:
        raise PlatformError(40029, "the member has left")
    code.used = True
    return code


def issue_ticket(state: SandboxState, app: App, code: LoginCode) -> str:
    assert code.serial is not None
    value = secrets.token_urlsafe(48)
    ticket = UserTicket(app.agent_id, code.serial, code.fields or (), state.now() + TICKET_SECONDS)
    state.sign_ins.tickets[value] = ticket
    return value
