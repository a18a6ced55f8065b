"""Everything the sandbox remembers, in one place."""

import itertools
import secrets
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.approval import ApprovalDesk
from sandbox.approval_templates import seed_templates
from sandbox.callbacks import Pusher
from sandbox.clock import Clock
from sandbox.company import Company, Person
from sandbox.config import Channel, ExtraApp, SandboxConfig
from sandbox.conversations import RESPONSE_CODE_SECONDS, Card, Group, Media, Message, ResponseCode
from sandbox.credentials import SignIns, Ticket
from sandbox.crypto import Cryptor
from sandbox.customers import CustomerDesk
from sandbox.faults import Faults
from sandbox.jobs import Jobs
from sandbox.limits import RateLimits
from sandbox.manners import Manners
from sandbox.pushes import CallbackChannel
from sandbox.robots import Robot
from sandbox.schedules import ScheduleDesk
from sandbox.seed import Progress, seeded_company
from sandbox.visibility import Sight, VisibleRange

CALLS_KEPT = 50_000
UNKNOWN_TOLD_APART = 1_000
CONTACTS = "contacts"

if TYPE_CHECKING:
    from sandbox.open_approval import OpenDocument, OpenTemplate


@dataclass
class App:
    """A self-built app with what belongs to it alone."""

    agent_id: int
    name: str
    secret: str
    is_main: bool = False
    is_system: bool = False
    """客户联系: reads customers, and sends and manages nothing else."""
    range: VisibleRange = field(default_factory=VisibleRange)
    menu: dict[str, Any] | None = None
    cards: dict[str, Card] = field(default_factory=dict)
    home_url: str = ""
    close: int = 0
    description: str = ""
    reports_location: int = 0
    reports_enter: int = 1
    """Whether opening the app raises `enter_agent`."""
    workbench: dict[str, Any] = field(default_factory=lambda: {"type": "normal"})
    workbench_data: dict[int, dict[str, Any]] = field(default_factory=dict)
    created_after_2022: bool = True
    """Of a further app; the main app's is a setting that can be changed while running."""
    redirect_domain: str = ""
    """可信域名 with its port; empty trusts every host."""


@dataclass
class Token:
    value: str
    secret: str
    expires_at: float


@dataclass
class SentOnce:
    """A body remembered by `enable_duplicate_check`, with the answer it got."""

    at: float
    answer: dict[str, Any]


class SandboxState:
    """The company, its apps and its phones. `reset` brings back the first moment."""

    def __init__(self, config: SandboxConfig, *, progress: Progress | None = None) -> None:
        self.config = config
        self.manners = Manners(config)
        self._clock = Clock()
        self.channels: dict[Channel, CallbackChannel] = {
            "app": CallbackChannel(
                Cryptor(config.app_token, config.app_aes_key, config.corp_id),
                config.app_callback_url,
                config.agent_id,
            ),
            "contacts": CallbackChannel(
                Cryptor(config.contacts_token, config.contacts_aes_key, config.corp_id),
                config.contacts_callback_url,
                None,
            ),
        }
        self.pusher = Pusher(self.config, self.clock, self.channels)
        self._start_afresh(progress)

    @property
    def clock(self) -> Clock:
        return self._clock

    @clock.setter
    def clock(self, clock: Clock) -> None:
        """Everything goes by another clock from now on, such as the one of a test."""
        self._clock = self.pusher.clock = self.limits.clock = clock

    def _start_afresh(self, progress: Progress | None = None) -> None:
        self.clock.offset = 0.0
        self.company: Company = seeded_company(self.config, progress=progress)
        self.apps: dict[int, App] = {app.agent_id: app for app in self._configured_apps()}
        self.tokens: dict[str, Token] = {}
        self.phones: dict[int, list[Message]] = {}
        self.messages: dict[str, Message] = {}
        self.groups: dict[str, Group] = {}
        self.groups_of: dict[int, dict[str, None]] = {}
        self.response_codes: dict[str, ResponseCode] = {}
        self.media: dict[str, Media] = {}
        self.sent_once: dict[bytes, SentOnce] = {}
        self.last_active: dict[int, float] = {}
        self.jobs = Jobs()
        """Imports and exports."""
        self.robots: dict[str, Robot] = {}
        """Of all groups, by their keys."""
        self.delivered: Counter[tuple[int, int]] = Counter()
        """Person-times per app and day, in days of UTC+8 since 1970."""
        self.sign_ins = SignIns()
        self.tickets: dict[str, Ticket] = {}
        """JS-SDK tickets, of the company and of each app."""
        self.faults = Faults()
        self.trusted_before = (0.0, self._trusted_lists())
        self.limits = RateLimits(self.config, self.clock, lambda: len(self.company.people))
        self.calls: deque[dict[str, Any]] = deque(maxlen=CALLS_KEPT)
        self.called: Counter[str] = Counter()
        """Calls so far per endpoint, also those that the log has forgotten."""
        self.unknown_calls: Counter[str] = Counter()
        """Calls of paths that lead to no endpoint."""
        self.approvals = ApprovalDesk()
        seed_templates(self.approvals)
        self.open_templates: dict[str, OpenTemplate] = {}
        self.open_documents: dict[str, OpenDocument] = {}
        self.customers = CustomerDesk()
        self.schedules = ScheduleDesk()
        self.read_up_to: dict[tuple[int, str], int] = {}
        """The last message that a person has seen in a conversation, by serial and conversation."""
        self.headcounts: tuple[int, dict[int, int]] = (-1, {})
        """People per department and below, as of a version of the company."""
        self._ids = itertools.count(1)
        self._rows: tuple[int, list[tuple[int, int]]] = (-1, [])

    def reset(self) -> None:
        """Re-seed from the configuration. Callback addresses stay; everything else is forgotten."""
        self.pusher.forget()
        self._start_afresh()

    def _configured_apps(self) -> list[App]:
        config = self.config
        main = App(config.agent_id, config.app_name, config.app_secret, is_main=True)
        main.redirect_domain = config.app_redirect_domain
        main.home_url, main.close = config.app_home_url, int(config.app_close)
        return [main, *(self._extra(app) for app in config.extra_apps)]

    @staticmethod
    def _extra(app: ExtraApp) -> App:
        return App(app.agent_id, app.name, app.secret, created_after_2022=app.created_after_2022)

    @property
    def customer_contact(self) -> App:
        """The system app 客户联系, which has a secret of its own."""
        return App(0, "客户联系", self.config.customer_contact_secret, is_system=True)

    # Who is who

    def now(self) -> float:
        return self.clock.now()

    @property
    def main_app(self) -> App:
        return self.apps[self.config.agent_id]

    def trusted_addresses(self, identity: str) -> list[str] | None:
        """企业可信IP as it holds now: an edit takes its time (about a minute on the platform)."""
        changed_at, before = self.trusted_before
        current = self._trusted_lists()
        lists = before if self.now() < changed_at + self.config.trusted_ips_delay_seconds else current
        return lists[identity == CONTACTS]

    def _trusted_lists(self) -> tuple[list[str] | None, list[str] | None]:
        """Of the apps, and of the contacts credential, which has its own list if one is given."""
        apps, own = self.config.trusted_ips, self.config.contacts_trusted_ips
        return apps, apps if own is None else own

    def trust_changes(self) -> None:
        """An administrator is about to edit a list of addresses."""
        self.trusted_before = (self.now(), self._trusted_lists())

    def sight(self, app: App | None) -> Sight:
        """What a caller sees; the contacts credential (None) sees everything."""
        return Sight(everything=True) if app is None else app.range.sight(self.company)

    def is_allowed(self, app: App, listed: list[int] | None) -> bool:
        """Whether an app stands under a system app's 可调用接口的应用; by default the main app alone does."""
        return not app.is_system and (app.is_main if listed is None else app.agent_id in listed)

    def withholds_personal(self, app: App) -> bool:
        """Personal fields are kept from apps created after 2022-06-20 (doc path/90196)."""
        return self.config.app_created_after_2022 if app.is_main else app.created_after_2022

    def can_be_reached(self, app: App, person: Person) -> bool:
        """A disabled person receives nothing; a choice of ours, the platform lists them as invalid."""
        return person.is_enabled and self.sight(app).sees_person(person)

    def department_rows(self) -> list[tuple[int, int]]:
        """(serial, department) of everyone in the order of their creation, for `user/list_id`."""
        if self._rows[0] != self.company.version:
            people = self.company.people.values()
            self._rows = (self.company.version, [(p.serial, d) for p in people for d in p.departments])
        return self._rows[1]

    def count_call(self, endpoint: str, *, is_known: bool) -> int:
        """The number of this call. Of unknown paths only so many are told apart: anybody can make up more."""
        if is_known:
            self.called[endpoint] += 1
        else:
            told_apart = endpoint in self.unknown_calls or len(self.unknown_calls) < UNKNOWN_TOLD_APART
            self.unknown_calls[endpoint if told_apart else "…"] += 1
        return self.calls_so_far

    @property
    def calls_so_far(self) -> int:
        return self.called.total() + self.unknown_calls.total()

    # What happens on phones

    def next_id(self) -> int:
        return next(self._ids)

    def put_on_phone(self, serial: int, message: Message) -> None:
        self.phones.setdefault(serial, []).append(message)
        self.last_active[serial] = message.at

    def issue_response_code(self, card: Card) -> str:
        code = secrets.token_urlsafe(24)
        self.response_codes[code] = ResponseCode(card, self.now() + RESPONSE_CODE_SECONDS)
        return code

    def join_group(self, group: Group, serial: int) -> None:
        group.members[serial] = None
        self.groups_of.setdefault(serial, {})[group.chatid] = None

    def quit_group(self, group: Group, serial: int) -> None:
        group.members.pop(serial, None)
        self.groups_of.get(serial, {}).pop(group.chatid, None)
        if group.owner == serial and group.members:
            group.owner = next(iter(group.members))
