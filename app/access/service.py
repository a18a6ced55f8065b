"""The public face of access: keys of services, sign-in and sessions of people, who may do what.

Of a key only a digest is stored; the key itself is shown once.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.authority.decide import Answer, Authority, covers, may
from app.access.authority.grants import (
    ADMINISTRATOR,
    Wanted,
    administrators,
    authority_of,
    grant,
    grant_in_name,
    is_wide,
    living_grants,
)
from app.access.authority.holders import check, check_held, holders_of, refused_by_name
from app.access.authority.holdings import Holding, bundles_of, grants_of
from app.access.authority.revoking import Loss, loss_of, revoke, revoke_in_name
from app.access.errors import ExpiresInThePast, NoSuchKey, UnknownScope
from app.access.keys import queries as key_queries
from app.access.keys.acting import check_departments, check_may_act_as, department_names, named_among, person_acting
from app.access.keys.find_caller import digest
from app.access.keys.listed import requests_of_key
from app.access.keys.powers import KeyPowers, Powers
from app.access.keys.queries import Usage, key_names, makers_of_key
from app.access.sign_in.attempts import Attempt, Way, address_of, begin_attempt, own_path, spend_attempt
from app.access.sign_in.lifetime import Lifetime, lifetime_of
from app.access.sign_in.links import create_link, holder_of, use_link
from app.access.sign_in.sessions import Ending, Viewer, end_all_of, end_for, end_own, find, living_of, start
from app.access.sign_in.tokens import new_token
from app.access.sign_in.visitors import Turned, Visitor, is_gone_since, recognise
from app.audit import queries as audit
from app.audit.actor import Actor
from app.audit.why import Why
from app.events.service import catalogue, publish
from app.manifest import registry_of
from app.observability import get_logger
from app.org import queries as org_queries
from app.web.scopes import EVERYTHING, NOBODY, ActsFor, scopes_of
from models.access import ActAs, ApiKey
from models.audit import AuditEntry, ObjectKind

__all__ = [
    "ADMINISTRATOR",
    "BOOTSTRAP",
    "Answer",
    "Attempt",
    "Authority",
    "Ending",
    "Holding",
    "KeyDraft",
    "KeyPowers",
    "Lifetime",
    "Loss",
    "Powers",
    "Secret",
    "Turned",
    "Usage",
    "Viewer",
    "Visitor",
    "Wanted",
    "Way",
    "add_key",
    "address_of",
    "administrators",
    "authority_of",
    "begin_attempt",
    "bundles_of",
    "check",
    "check_draft",
    "check_held",
    "check_may_act_as",
    "covers",
    "create_key",
    "create_link",
    "end_all_of",
    "end_for",
    "end_key",
    "end_own",
    "find",
    "grant",
    "grant_in_name",
    "grants_of",
    "holder_of",
    "holders_of",
    "install_bootstrap_key",
    "is_gone_since",
    "is_wide",
    "key_names",
    "key_numbered",
    "let_act_for",
    "lifetime_of",
    "list_keys",
    "living_grants",
    "living_key",
    "living_of",
    "loss_of",
    "makers_of_key",
    "may",
    "new_secret",
    "new_token",
    "own_path",
    "person_acting",
    "powers_of",
    "powers_of_keys",
    "recognise",
    "refused_by_name",
    "requests_of_key",
    "revoke",
    "revoke_in_name",
    "spend_attempt",
    "start",
    "usage_of_key",
    "use_link",
]

log = get_logger()

BOOTSTRAP = "bootstrap"


@dataclass(frozen=True)
class KeyDraft:
    """What a new key is to be."""

    name: str
    scopes: list[str]
    acts_for: ActsFor = NOBODY
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Secret:
    """What is stored of a new key, and the key itself while it is known."""

    prefix: str
    digest: bytes
    key: str = ""


def new_secret() -> Secret:
    key = f"stw_{secrets.token_urlsafe(32)}"
    return Secret(key[:8], digest(key), key)


async def create_key(
    session: AsyncSession,
    *,
    name: str,
    scopes: list[str],
    actor: Actor,
    now: datetime,
    acts_for: ActsFor = NOBODY,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key. The second value is the key itself, which cannot be read again. Raises what `check_draft` raises."""
    secret = new_secret()
    row = await add_key(session, KeyDraft(name, scopes, acts_for, expires_at), secret, actor=actor, now=now)
    return row, secret.key


async def add_key(session: AsyncSession, draft: KeyDraft, secret: Secret, *, actor: Actor, now: datetime) -> ApiKey:
    """A new key whose secret was drawn before. Raises what `check_draft` raises."""
    await check_draft(session, draft, now=now)
    row = ApiKey(
        name=draft.name,
        prefix=secret.prefix,
        key_hash=secret.digest,
        scopes=draft.scopes,
        act_as=draft.acts_for.who,
        act_as_departments=list(draft.acts_for.departments),
        created_at=now,
        created_by=str(actor),
        expires_at=draft.expires_at,
    )
    session.add(row)
    details = {"name": draft.name, "scopes": draft.scopes, **_told(draft.acts_for)}
    await publish(session, catalogue.ApiKeyCreated(api_key_id=row.id), Why(actor), now=now, details=details)
    return row


async def check_draft(session: AsyncSession, draft: KeyDraft, *, now: datetime) -> None:
    """Raises `UnknownScope`, `UnknownDepartment` or `ExpiresInThePast`."""
    _check_scopes(draft.scopes, known=scopes_of(registry_of(session)))
    await check_departments(session, draft.acts_for)
    if draft.expires_at is not None and draft.expires_at <= now:
        raise ExpiresInThePast("有效期应在将来", "The expiry has to be in the future")


def _check_scopes(scopes: list[str], *, known: Sequence[str]) -> None:
    unknown = [scope for scope in scopes if scope not in known]
    if unknown or not scopes:
        raise UnknownScope(
            f"不认识：{', '.join(unknown) or '（空）'}；可选：{', '.join(known)}",
            f"Unknown: {', '.join(unknown) or '(none)'}; there are {', '.join(known)}",
        )


def _told(acts_for: ActsFor) -> dict[str, Any]:
    return {"act_as": acts_for.who.value, "act_as_departments": list(acts_for.departments)}


async def let_act_for(session: AsyncSession, *, key_id: UUID, acts_for: ActsFor, actor: Actor, now: datetime) -> ApiKey:
    """Say anew in whose name a living key may act, from its next request on. Raises `NoSuchKey` or what `create_key`
    raises about departments.
    """
    row = await living_key(session, key_id)
    await check_departments(session, acts_for)
    before = ActsFor(row.act_as, tuple(row.act_as_departments))
    if before == acts_for:
        return row
    row.act_as, row.act_as_departments = acts_for.who, list(acts_for.departments)
    details = {"before": _told(before), "after": _told(acts_for)}
    await publish(session, catalogue.ApiKeyChanged(api_key_id=key_id), Why(actor), now=now, details=details)
    return row


async def living_key(session: AsyncSession, key_id: UUID) -> ApiKey:
    """The key, locked. Raises `NoSuchKey`."""
    row = await session.get(ApiKey, key_id, with_for_update={"key_share": True})
    if row is None or row.ended_at is not None:
        raise NoSuchKey("没有这个密钥，或它已停用", "There is no such key, or it has ended")
    return row


async def end_key(session: AsyncSession, *, key_id: UUID, actor: Actor, now: datetime) -> ApiKey:
    row = await living_key(session, key_id)
    row.ended_at = now
    await publish(session, catalogue.ApiKeyEnded(api_key_id=key_id), Why(actor), now=now)
    return row


async def _was_ended_by_somebody(session: AsyncSession, key_id: UUID) -> bool:
    """Whether the trail says so. Replacing the configured key is no act of anybody's."""
    ends = audit.entries(object_kind=ObjectKind.API_KEY, object_id=str(key_id), correlation_id=None)
    ended = ends.where(col(AuditEntry.action) == catalogue.ApiKeyEnded.type).limit(1)
    return (await session.scalars(ended)).first() is not None


async def list_keys(session: AsyncSession) -> list[ApiKey]:
    return list(await session.scalars(select(ApiKey).order_by(col(ApiKey.created_at), col(ApiKey.id))))


async def key_numbered(session: AsyncSession, key_id: UUID) -> ApiKey:
    """The key, ended or not. Raises `NoSuchKey`."""
    row = await session.get(ApiKey, key_id)
    if row is None:
        raise NoSuchKey("没有这个密钥", "There is no such key")
    return row


async def usage_of_key(session: AsyncSession, *, key_id: UUID, days: int, now: datetime) -> Sequence[Usage]:
    """What it did in these last days, per day of the company and route. Raises `NoSuchKey`."""
    row = await key_numbered(session, key_id)
    zone: ZoneInfo = session.info.get("timezone", ZoneInfo("UTC"))
    first = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    return await key_queries.usage(session, key_id=row.id, since=first, zone=zone)


async def powers_of_keys(session: AsyncSession, *, now: datetime) -> list[KeyPowers]:
    """What each living key may, the oldest first. One statement for the departments of all of them."""
    living = [row for row in await list_keys(session) if row.ended_at is None and not _is_over(row, now)]
    named = await org_queries.department_names(session, {one for row in living for one in row.act_as_departments})
    return [
        KeyPowers(row, Powers(row.scopes, ActAs(row.act_as), named_among(named, row.act_as_departments)))
        for row in living
    ]


async def powers_of(session: AsyncSession, scopes: Sequence[str], acts_for: ActsFor) -> Powers:
    """What a key with these scopes, which acts for these people, may."""
    return Powers(scopes, acts_for.who, await department_names(session, acts_for.departments))


def _is_over(row: ApiKey, now: datetime) -> bool:
    return row.expires_at is not None and row.expires_at <= now


async def install_bootstrap_key(session: AsyncSession, *, key: str | None, now: datetime) -> None:
    """Accept the configured all-scopes key, and no former one. One that somebody has ended stays ended."""
    wanted = digest(key) if key else b""
    rows = await session.scalars(
        select(ApiKey)
        .where(col(ApiKey.name) == BOOTSTRAP, col(ApiKey.created_by) == BOOTSTRAP)
        .with_for_update(key_share=True)
    )
    present = False
    for row in rows:
        is_wanted = row.key_hash == wanted
        present = present or is_wanted
        if is_wanted and row.ended_at is not None and await _was_ended_by_somebody(session, row.id):
            log.warning(
                "access.bootstrap_key_ended", detail="STEWARD_BOOTSTRAP_API_KEY 已被停用，不再接受；请换一个或删去"
            )
            continue
        row.ended_at = None if is_wanted else (row.ended_at or now)
        row.act_as = ActAs.ANYBODY
    if key and not present:
        session.add(
            ApiKey(
                name=BOOTSTRAP,
                prefix=key[:4],
                key_hash=wanted,
                scopes=[EVERYTHING],
                act_as=ActAs.ANYBODY,
                created_at=now,
                created_by=BOOTSTRAP,
            )
        )
