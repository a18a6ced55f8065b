"""Timelines, for detail pages and REST: `from app.timeline import service as timelines`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import service as access
from app.audit import queries as audit
from app.audit.actor import Actor, ActorKind
from app.audit.queries import BothActors
from app.audit.sentences import sentence_of
from app.audit.why import About
from app.org import service as org
from app.org.service import NamedPerson
from app.policy import service as policies
from app.policy.errors import UnknownRule
from app.policy.service import Citation, Policy
from app.web.pagination import PageQuery, paginate
from models.audit import AuditEntry, ObjectKind
from models.ids import PolicyVersionId

__all__ = ["FIRST_PAGE", "Entry", "NamedActor", "Timeline", "named_actors", "timeline", "trail"]

FIRST_PAGE: Final = PageQuery(cursor=None, limit=50)


@dataclass(frozen=True)
class NamedActor:
    """Who acted, with the name that people know."""

    kind: ActorKind
    id: str
    chinese: str
    english: str
    person: NamedPerson | None = None
    """Of a person whom we know, with their departments."""


@dataclass(frozen=True)
class Entry:
    """One thing that happened."""

    id: int
    at: datetime
    action: str
    chinese: str
    english: str
    about: About
    actor: NamedActor
    recorded_by: NamedActor | None
    """The API key that acted in the person's name, while the details are not erased."""
    on_behalf_of: NamedActor | None
    """The person for whom the API key acted."""
    clause: Citation | None
    """What it rested on, as the version in force then worded it."""
    correlation_id: str
    """Of its trace."""
    is_sealed: bool


@dataclass(frozen=True)
class Timeline:
    entries: Sequence[Entry]
    next_cursor: str | None


async def timeline(
    session: AsyncSession,
    about: About,
    *,
    page: PageQuery = FIRST_PAGE,
    with_confirmations: bool = False,
) -> Timeline:
    """What has happened to it, the latest first. As many statements for a page as for one entry.

    The confirmations of an announcement are thousands, and have a list of their own.
    """
    return await _page(session, audit.about(about, with_confirmations=with_confirmations), page)


async def trail(
    session: AsyncSession,
    *,
    object_kind: str | None = None,
    object_id: str | None = None,
    actor: Actor | None = None,
    action: str | None = None,
    page: PageQuery = FIRST_PAGE,
) -> Timeline:
    """What has happened to anything, the latest first."""
    wanted = audit.entries(object_kind=object_kind, object_id=object_id, actor=actor, action=action)
    return await _page(session, wanted, page)


async def _page(session: AsyncSession, statement: Select[AuditEntry], page: PageQuery) -> Timeline:
    rows, cursor = await paginate(session, statement, col(AuditEntry.id), page=page)
    both = await audit.both_actors(session, rows)
    actors = await named_actors(session, _actors_of(rows, both))
    versions = await _versions_of(session, rows)
    return Timeline([_entry(row, both, actors, versions) for row in rows], cursor)


def _actors_of(rows: Sequence[AuditEntry], both: Mapping[int, BothActors]) -> set[Actor]:
    others = (Actor.parse(other) for pair in both.values() for other in pair if other)
    return {*(Actor(ActorKind(row.actor_kind), row.actor_id) for row in rows), *others}


async def named_actors(session: AsyncSession, actors: Collection[Actor]) -> dict[Actor, NamedActor]:
    """All of them, in two statements."""
    people = await org.named_people(session, _ids(actors, ActorKind.PERSON))
    keys = await access.key_names(session, _ids(actors, ActorKind.API_KEY))
    return {actor: _named(actor, people, keys) for actor in actors}


def _ids(actors: Collection[Actor], kind: ActorKind) -> list[UUID]:
    return [UUID(actor.id) for actor in actors if actor.kind is kind]


def _named(actor: Actor, people: Mapping[UUID, NamedPerson], keys: Mapping[UUID, str]) -> NamedActor:
    person = people.get(UUID(actor.id)) if actor.kind is ActorKind.PERSON else None
    match actor.kind:
        case ActorKind.PERSON:
            chinese = english = person.name if person else actor.id
        case ActorKind.API_KEY:
            name = keys.get(UUID(actor.id), actor.id)
            chinese, english = f"接口密钥 {name}", f"the API key {name}"
        case ActorKind.OPERATOR:
            chinese, english = f"命令行 {actor.id}", f"{actor.id} at the command line"
        case ActorKind.PLATFORM:
            chinese, english = "企业微信", "WeCom"
        case ActorKind.SYSTEM:
            chinese, english = "本服务", "the service"
    return NamedActor(actor.kind, actor.id, chinese, english, person)


async def _versions_of(session: AsyncSession, rows: Sequence[AuditEntry]) -> dict[UUID, Policy]:
    """A matter rests on one version, hardly ever on two."""
    wanted = {row.policy_version_id for row in rows if row.policy_version_id and row.rule_key}
    return {one: await policies.get(session, PolicyVersionId(one)) for one in wanted}


def _cited(row: AuditEntry, versions: Mapping[UUID, Policy]) -> Citation | None:
    policy = versions.get(row.policy_version_id) if row.policy_version_id else None
    if policy is None or row.rule_key is None:
        return None
    try:
        return policy.cite(row.rule_key)
    except UnknownRule:
        return None


def _entry(
    row: AuditEntry,
    both: Mapping[int, BothActors],
    actors: Mapping[Actor, NamedActor],
    versions: Mapping[UUID, Policy],
) -> Entry:
    said = sentence_of(row.action)
    pair = both.get(row.id or 0, BothActors(None, None))
    return Entry(
        id=row.id or 0,
        at=row.at,
        action=row.action,
        chinese=said.chinese,
        english=said.english,
        about=About(ObjectKind(row.object_kind), row.object_id),
        actor=actors[Actor(ActorKind(row.actor_kind), row.actor_id)],
        recorded_by=actors[Actor.parse(pair.recorded_by)] if pair.recorded_by else None,
        on_behalf_of=actors[Actor.parse(pair.on_behalf_of)] if pair.on_behalf_of else None,
        clause=_cited(row, versions),
        correlation_id=row.correlation_id,
        is_sealed=row.seal is not None,
    )
