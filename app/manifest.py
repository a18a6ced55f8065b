"""What a package says of itself: one `DOMAIN`, collected once by `bootstrap`.

A manifest names functions and never calls them. Their exact types stand where each is used (`JobFunction`,
`CardAction`, `OutcomeHandler`, `RequestKind` …): this module is below all of those packages and knows none of them.

The registry travels with each session (`registry_of`), so that a use case finds the kinds of requests, the outcomes
and the subscribers without a global and without one more argument (docs/decisions/0008).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.permissions import Permission

Function = Callable[..., Awaitable[Any]]

SESSION_KEY = "registry"


class DuplicateName(Exception):
    """Two domains registered the same name; both are named."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of one of the faces, as the navigation shows it. Its handler stands in `app/<face>/pages/`."""

    face: str
    """`console`, or `me` for employees."""
    name: str
    """Within the face; handlers ask for it by this name."""
    title: str
    english: str
    permission: Permission | None
    """Who holds it anywhere may come here. None: whoever is signed in."""
    place: int | None = None
    """Where it stands in the navigation, the smallest first. None: not there, other pages lead to it."""
    whole_company: bool = False
    """What it shows has no department and no group, as calls and keys have none: who holds the permission for a part
    of the company alone does not come here, and sees no way here."""

    @property
    def path(self) -> str:
        return f"/{self.face}/{self.name}" if self.name else f"/{self.face}"


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The manifest of one package. Everything is optional but the name."""

    name: str
    routers: Sequence[Any] = ()
    """REST routers, mounted under `/api/v1`."""
    jobs: Mapping[str, Function] = field(default_factory=dict)
    """Job name → function (`Job.run_by`)."""
    timers: Mapping[str, Function] = field(default_factory=dict)
    """Kind of timer → handler, in the transaction that deletes the timer."""
    schedule: Mapping[str, str] = field(default_factory=dict)
    """Job name → crontab expression."""
    card_actions: Mapping[str, Function] = field(default_factory=dict)
    """The part of a button's key before the colon → what the button does."""
    card_absorbers: Mapping[str, Function] = field(default_factory=dict)
    """The set-based form of an action that thousands press at once."""
    outcomes: Mapping[str, Function] = field(default_factory=dict)
    """Purpose of an outgoing call → who hears how it ended."""
    kinds: Mapping[str, Any] = field(default_factory=dict)
    """Kinds of requests by their name."""
    rungs: Mapping[str, Function] = field(default_factory=dict)
    """Purpose of a rung that falls due for people → who finds its words (`app.ladders`)."""
    gathered_jobs: Sequence[str] = ()
    """Jobs that come in numbers, as one for each group: what they find is told when those that wait have run."""
    subscribers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Type of an event → the jobs that each of its events enqueues."""
    departure_parts: Mapping[str, Any] = field(default_factory=dict)
    """What becomes of this domain's things when somebody leaves, by the name of the part."""
    pages: Sequence[Page] = ()
    """What people can open in a browser."""
    standings: Mapping[str, Function] = field(default_factory=dict)
    """What somebody is by the organisation or by a register, as `department_head` → `(session, person)`, which answers
    with the places they are it in (`app.access`, D21).
    """
    objects: Mapping[str, Function] = field(default_factory=dict)
    """Kind of object → `(session, sight, object_id)`: whether that one is seen (D21)."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    """What people may ask the app for in words, by a name (`app.conversation.service.Topic`)."""
    two_person_acts: Mapping[str, Any] = field(default_factory=dict)
    """Acts that one person asks for and another confirms, by the policy's name (`app.dual_control`)."""
    scopes: Sequence[str] = ()
    """Resources of which an API key may be allowed `:read` and `:write`."""
    policy_checks: Sequence[Function] = ()
    """`(session, document)`: what a policy document says that the organisation as it is does not bear out."""
    waiting: Sequence[Callable[..., Any]] = ()
    """`(session, person_id, now)` → the SELECT of what waits for one person (`app.today.queries.WaitingColumns`)."""
    overview: Sequence[Function] = ()
    """`(session, asked)` → the figures that the domain gives to the overview (`app.overview.figure.CountFigures`)."""
    traces: Sequence[Function] = ()
    """`(session, asked)` → what the domain knows under a correlation id (`app.trace.entry.ReadTrace`)."""
    kept_data: Function | None = None
    """`(session, person_id)` → what this domain keeps about one person, kind by kind (`app.kept_data.Kept`)."""
    start_up: Function | None = None
    """`(session, *, now, settings)`: run in one transaction when a worker starts; safe to repeat."""


_NAMED = (
    "jobs",
    "timers",
    "schedule",
    "card_actions",
    "card_absorbers",
    "outcomes",
    "kinds",
    "rungs",
    "departure_parts",
    "standings",
    "objects",
    "answers",
    "two_person_acts",
)


@dataclass(frozen=True)
class Registry:
    """Everything that all domains say of themselves, each name once."""

    domains: tuple[Domain, ...] = ()
    jobs: Mapping[str, Function] = field(default_factory=dict)
    timers: Mapping[str, Function] = field(default_factory=dict)
    schedule: Mapping[str, str] = field(default_factory=dict)
    card_actions: Mapping[str, Function] = field(default_factory=dict)
    card_absorbers: Mapping[str, Function] = field(default_factory=dict)
    outcomes: Mapping[str, Function] = field(default_factory=dict)
    kinds: Mapping[str, Any] = field(default_factory=dict)
    rungs: Mapping[str, Function] = field(default_factory=dict)
    departure_parts: Mapping[str, Any] = field(default_factory=dict)
    standings: Mapping[str, Function] = field(default_factory=dict)
    objects: Mapping[str, Function] = field(default_factory=dict)
    two_person_acts: Mapping[str, Any] = field(default_factory=dict)
    pages: Mapping[str, Page] = field(default_factory=dict)
    """By path."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    subscribers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gathered_jobs: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    routers: tuple[Any, ...] = ()
    policy_checks: tuple[Function, ...] = ()
    waiting: tuple[Callable[..., Any], ...] = ()
    kept_data: tuple[Function, ...] = ()
    overview: tuple[Function, ...] = ()
    traces: tuple[Function, ...] = ()
    start_up: tuple[Function, ...] = ()


def collect(domains: Iterable[Domain]) -> Registry:
    """One registry out of all manifests. Raises `DuplicateName` with both owners."""
    listed = tuple(domains)
    _each_once("domain", [(domain.name, domain.name) for domain in listed])
    merged = {name: _merged(name, listed) for name in _NAMED}
    _each_once("scope", [(scope, domain.name) for domain in listed for scope in domain.scopes])
    subscribers: dict[str, list[str]] = {}
    for domain in listed:
        for event_type, jobs in domain.subscribers.items():
            subscribers.setdefault(event_type, []).extend(jobs)
    _each_once("page", [(page.path, domain.name) for domain in listed for page in domain.pages])
    return Registry(
        domains=listed,
        **merged,
        pages={page.path: page for domain in listed for page in domain.pages},
        subscribers=subscribers,
        gathered_jobs=tuple(name for domain in listed for name in domain.gathered_jobs),
        scopes=tuple(scope for domain in listed for scope in domain.scopes),
        routers=tuple(router for domain in listed for router in domain.routers),
        policy_checks=tuple(check for domain in listed for check in domain.policy_checks),
        traces=tuple(read for domain in listed for read in domain.traces),
        overview=tuple(count for domain in listed for count in domain.overview),
        waiting=tuple(statement for domain in listed for statement in domain.waiting),
        kept_data=tuple(domain.kept_data for domain in listed if domain.kept_data is not None),
        start_up=tuple(domain.start_up for domain in listed if domain.start_up is not None),
    )


def _merged(what: str, domains: Sequence[Domain]) -> dict[str, Any]:
    owned = [(name, domain.name) for domain in domains for name in getattr(domain, what)]
    _each_once(what, owned)
    return {name: value for domain in domains for name, value in getattr(domain, what).items()}


def _each_once(what: str, owned: Iterable[tuple[str, str]]) -> None:
    owners: dict[str, str] = {}
    for name, owner in owned:
        if name in owners:
            raise DuplicateName(f"{what} {name!r} is registered by {owners[name]} and by {owner}")
        owners[name] = owner


def registry_of(session: AsyncSession) -> Registry:
    """The registry that the composition root gave to this session."""
    registry: Registry | None = session.info.get(SESSION_KEY)
    if registry is None:
        raise LookupError("this session was not made by bootstrap: it has no registry (app.database.create_sessions)")
    return registry


__all__ = ["SESSION_KEY", "Domain", "DuplicateName", "Function", "Page", "Registry", "collect", "registry_of"]
