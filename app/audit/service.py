"""Writing the trail, and sealing it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import KEY_OF_REQUEST, PERSON_OF_REQUEST, Actor, ActorKind
from app.audit.seal import GENESIS, canonical, details_digest, seal
from app.audit.why import About, Why
from app.observability import current_correlation_id
from models.audit import AuditDetail, AuditEntry, AuditHead, ObjectKind

_RECORD_MANY: Final = text("""
WITH given AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('audit_entries', 'id')) AS id, acts.*
    FROM unnest(CAST(:actor_kinds AS text[]), CAST(:actor_ids AS text[]), CAST(:object_ids AS text[]),
        CAST(:policy_version_ids AS uuid[]), CAST(:correlation_ids AS text[]), CAST(:salts AS bytea[]),
        CAST(:digests AS bytea[]), CAST(:details AS text[]))
        AS acts (actor_kind, actor_id, object_id, policy_version_id, correlation_id, salt, digest, details)
), entries AS (
    INSERT INTO audit_entries (id, at, actor_kind, actor_id, action, object_kind, object_id, policy_version_id,
        rule_key, correlation_id, details_digest)
    SELECT id, :at, actor_kind, actor_id, :action, :object_kind, object_id, policy_version_id,
        :rule_key, correlation_id, digest
    FROM given
)
INSERT INTO audit_details (entry_id, salt, details) SELECT id, salt, details::jsonb FROM given
""")

RECORDED_BY: Final = "recorded_by"
"""The key of the details under which the API key stands that acted in a person's name."""
ON_BEHALF_OF: Final = "on_behalf_of"
"""The key of the details under which the person stands in whose name an API key acted."""

_SALT: Final = 16

SEAL_LOCK = 0x5EA1
"""Advisory lock: one sealer at a time, so that the chain has no forks."""


async def record(
    session: AsyncSession,
    action: str,
    about: About,
    why: Why,
    *,
    now: datetime,
    details: dict[str, Any] | None = None,
) -> None:
    """Add a row in the caller's transaction.

    `action` is `noun.verb` in the past. `details` may be erased later; only their salted digest is chained.
    """
    salt = secrets.token_bytes(_SALT)
    told = _with_key(details or {}, why.actor)
    plain = json.loads(canonical(told)) if told else None
    entry = AuditEntry(
        at=now,
        actor_kind=why.actor.kind.value,
        actor_id=why.actor.id,
        action=action,
        object_kind=about.kind,
        object_id=about.key,
        policy_version_id=why.policy_version_id,
        rule_key=why.rule_key,
        correlation_id=current_correlation_id(),
        details_digest=details_digest(salt, plain) if plain else None,
    )
    session.add(entry)
    # The row's id is the detail row's key.
    await session.flush()
    if plain and entry.id is not None:
        session.add(AuditDetail(entry_id=entry.id, salt=salt, details=plain))


def _with_key(details: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
    """An act in a person's name names both: the key that asked for it, and the person it was asked for."""
    key, person = KEY_OF_REQUEST.get(), PERSON_OF_REQUEST.get()
    if key is not None and actor.kind is ActorKind.PERSON:
        return {RECORDED_BY: str(key), **details}
    if person is not None and actor == key:
        return {ON_BEHALF_OF: str(person), **details}
    return details


class HeadMissing(Exception):
    """Nobody can say where the chain ended. Going on would hide what was removed."""


class Act(NamedTuple):
    """One of many acts of the same kind, for `record_many`."""

    object_id: str
    why: Why
    correlation_id: str
    details: Mapping[str, Any]


async def record_many(
    session: AsyncSession, action: str, kind: ObjectKind, acts: Sequence[Act], *, now: datetime
) -> None:
    """What `record` writes for each of them, in their order, in one statement. All are about one kind of object and
    rest on one rule.
    """
    salts = _salts(len(acts))
    # Many say the very same, which is then written out once.
    if KEY_OF_REQUEST.get() is not None:
        acts = [act._replace(details=_with_key(act.details, act.why.actor)) for act in acts]
    distinct = {id(act.details): act.details for act in acts}
    spelled = {key: canonical(details) for key, details in distinct.items()}
    plain = [spelled[id(act.details)] for act in acts]
    facts = {
        "at": now,
        "action": action,
        "object_kind": kind.value,
        "rule_key": acts[0].why.rule_key,
        "actor_kinds": [act.why.actor.kind.value for act in acts],
        "actor_ids": [act.why.actor.id for act in acts],
        "object_ids": [act.object_id for act in acts],
        "policy_version_ids": [act.why.policy_version_id for act in acts],
        "correlation_ids": [act.correlation_id for act in acts],
        "salts": salts,
        "digests": [hashlib.sha256(salt + details).digest() for salt, details in zip(salts, plain, strict=True)],
        "details": [details.decode() for details in plain],
    }
    await session.execute(_RECORD_MANY, facts)


def _salts(count: int) -> list[bytes]:
    drawn = secrets.token_bytes(_SALT * count)
    return [drawn[at : at + _SALT] for at in range(0, len(drawn), _SALT)]


async def seal_entries(session: AsyncSession, *, now: datetime, limit: int = 1000) -> int:
    """Chain up to `limit` rows that are not sealed yet, in the order of their ids. Returns how many.

    A row committed late may carry a smaller id than one already sealed; it is sealed when seen, and `position`
    says where it stands. Nothing is ever sealed twice.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEAL_LOCK})
    head = await _head(session)
    position, previous = head.position, head.seal
    entries = (
        await session.scalars(
            select(AuditEntry).where(col(AuditEntry.seal).is_(None)).order_by(col(AuditEntry.id)).limit(limit)
        )
    ).all()
    for entry in entries:
        position += 1
        previous = seal(previous, position, entry)
        entry.position, entry.seal, entry.sealed_at = position, previous, now
    if entries:
        head.position, head.seal, head.sealed_at = position, previous, now
    return len(entries)


async def _head(session: AsyncSession) -> AuditHead:
    """Where the chain ends, as the sealer has left it: never as the rows say, whose last may have been removed."""
    head = await session.get(AuditHead, 1, with_for_update={"key_share": True}, populate_existing=True)
    if head is None:
        if await session.scalar(select(func.max(col(AuditEntry.position)))):
            raise HeadMissing("audit_heads is empty and the trail is not: run `steward audit verify`")
        head = AuditHead(position=0, seal=GENESIS)
        session.add(head)
    return head


async def unsealed_count(session: AsyncSession) -> int:
    statement = select(func.count()).select_from(AuditEntry).where(col(AuditEntry.seal).is_(None))
    return (await session.scalars(statement)).one()
