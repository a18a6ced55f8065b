"""One call as an endpoint sees it: who asks, with what."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatch
from typing import Any

from starlette.responses import Response

from sandbox.api.uploads import Upload
from sandbox.errors import PlatformError
from sandbox.faults import Fault
from sandbox.state import CONTACTS, App, SandboxState
from sandbox.visibility import Sight

Answer = dict[str, Any] | Response
Handler = Callable[["Call"], Answer]


@dataclass
class Call:
    """`app` is None when the contacts-sync credential asks."""

    state: SandboxState
    endpoint: str
    query: Mapping[str, str]
    app: App | None = None
    body: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    from_ip: str = ""
    is_sloppy: bool = False
    """The body was not what the platform asks for, and what could be read of it was."""
    upload: Upload | None = None
    base_url: str = ""
    path: str = ""
    """As it was called, with slashes too many."""
    range: str = ""
    """The header of that name, for those who fetch a file in pieces."""
    fault: Fault | None = None
    received_at: float = field(default_factory=time.perf_counter)

    @property
    def identity(self) -> str:
        return CONTACTS if self.app is None else str(self.app.agent_id)

    @property
    def sight(self) -> Sight:
        return self.state.sight(self.app)

    def require_app(self) -> App:
        """Messages, groups and menus are for apps; the contacts credential gets 48002."""
        if self.app is None or self.app.is_system:
            raise PlatformError(48002)
        return self.app

    def require_contacts(self) -> None:
        """Writes to the contacts are for the contacts credential; apps get 48002."""
        if self.app is not None:
            raise PlatformError(48002)

    def require_writing(self) -> None:
        """A write to the contacts: of the contacts credential, and within its rate if there is one."""
        self.require_contacts()
        self.state.limits.charge("contact write")

    def require_details(self) -> None:
        """Names and posts are closed to a contacts credential of after 2022-08-15 (doc path/96067).

        That is a matter of the caller's address: those registered before keep them.
        """
        config = self.state.config
        is_old = any(fnmatch(self.from_ip, pattern) for pattern in config.legacy_contacts_ips)
        if self.app is None and config.contact_profile == "post_2022_08" and not is_old:
            raise PlatformError(48009)

    def is_invalid(self, userid: str) -> bool:
        """A recipient whom a fault takes for unknown."""
        return self.fault is not None and userid.lower() in map(str.lower, self.fault.invalid_users)

    def is_lost(self, userid: str) -> bool:
        """A recipient whom a fault keeps the message from."""
        return self.fault is not None and userid.lower() in map(str.lower, self.fault.lost_users)

    def query_number(self, name: str, *, missing: int) -> int:
        value = self.query.get(name, "")
        if not value.isdigit():
            raise PlatformError(missing, name)
        return int(value)

    def list_of(self, name: str) -> list[Any]:
        """A list in the body; absent is empty, anything else is 40058."""
        value = self.body.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise PlatformError(40058, f"{name} is not a list")
        return value


class Fidelity(StrEnum):
    """How far an endpoint may be trusted to be the platform's."""

    EXACT = "exact"
    """Fields, refusals, limits and effects as documented."""
    SIMPLIFIED = "simplified"
    """The usual way is as documented; the note says what is not."""
    ANSWERS_ONLY = "answers_only"
    """An answer of the right shape, with nothing behind it."""


@dataclass(frozen=True)
class Endpoint:
    """How an endpoint is called, and how faithful it is. Sending is free of the basic limits (doc path/90312).

    Every endpoint states its `fidelity` and `source` (pages of the platform's documentation, such as
    `path/90236`); one that is not exact says in `note` and `note_en` what is simplified. The page
    `/endpoints` shows it, and a test refuses an endpoint that keeps silent.
    """

    method: str
    handle: Handler
    is_metered: bool = True
    needs_token: bool = True
    fidelity: Fidelity | None = None
    source: str = ""
    note: str = ""
    note_en: str = ""


def whole(value: Any, errcode: int) -> int:
    """An integer, also when it comes as a string of digits, as some libraries send it."""
    if isinstance(value, bool) or not str(value).isdigit():
        raise PlatformError(errcode, str(value))
    return int(value)
