"""What two people do about keys: one asks, another confirms (F197)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import service
from app.access.keys.acting import check_departments
from app.access.schemas import ActsForIn, ApiKeyIn
from app.audit.actor import person_actor
from app.calendar import service as calendars
from app.dual_control import TwoPersonAct, TwoPersonHandler
from app.permissions import Permission, Words
from app.web.schemas import AsText, Input
from app.web.scopes import ActsFor
from models.access import ApiKey
from models.org import Person

DAYS = 14
"""So long it is kept what keys were used for."""


class NewKey(ApiKeyIn):
    """The key itself is drawn when it is asked for and shown to the asker; it works once another person confirms."""

    prefix: str = Field("", max_length=20)
    key_hash: str = Field("", max_length=64)


class KeyNamed(Input):
    key_id: AsText[UUID]


class KeyChange(ActsForIn, KeyNamed):
    """In whose name a key may act from now on."""


def draw_key(payload: NewKey) -> tuple[NewKey, str]:
    secret = service.new_secret()
    return payload.model_copy(update={"prefix": secret.prefix, "key_hash": secret.digest.hex()}), secret.key


def _draft(payload: NewKey) -> service.KeyDraft:
    return service.KeyDraft(payload.name, payload.scopes, payload.acts_for(), payload.expires_at)


async def describe_new_key(
    session: AsyncSession,
    payload: NewKey,
    *,
    asker: Person,  # noqa: ARG001 -- every act is described alike
    now: datetime,
) -> list[tuple[str, str]]:
    await service.check_draft(session, _draft(payload), now=now)
    powers = await service.powers_of(session, payload.scopes, payload.acts_for())
    return [("名称", payload.name), ("权限", powers.sentence), _end(session, payload.expires_at)]


async def create_key(session: AsyncSession, payload: NewKey, *, asker: Person, now: datetime) -> str:
    secret = service.Secret(payload.prefix, bytes.fromhex(payload.key_hash))
    row = await service.add_key(session, _draft(payload), secret, actor=person_actor(asker.id), now=now)
    return str(row.id)


async def describe_key(
    session: AsyncSession,
    payload: KeyNamed,
    *,
    asker: Person,  # noqa: ARG001 -- every act is described alike
    now: datetime,
) -> list[tuple[str, str]]:
    row = await service.living_key(session, payload.key_id)
    # Whether, and not how often: that changes while somebody looks.
    is_used = bool(await service.usage_of_key(session, key_id=row.id, days=DAYS, now=now))
    used = f"最近 {DAYS} 天有系统用过，停用后马上不能再调用" if is_used else f"最近 {DAYS} 天没有系统用过"
    return [_named(row), ("权限", await _powers(session, row)), _end(session, row.expires_at), ("使用", used)]


def _named(row: ApiKey) -> tuple[str, str]:
    return "密钥", f"{row.name}（{row.prefix}…）"


async def _powers(session: AsyncSession, row: ApiKey, acts_for: ActsFor | None = None) -> str:
    """What it may now, or once it acts for others."""
    acts_for = acts_for or ActsFor(row.act_as, tuple(row.act_as_departments))
    return (await service.powers_of(session, row.scopes, acts_for)).sentence


def _end(session: AsyncSession, expires_at: datetime | None) -> tuple[str, str]:
    zone = calendars.timezone_of(session)
    return "有效期至", f"{expires_at.astimezone(zone):%Y-%m-%d %H:%M}" if expires_at else "长期有效"


async def end_key(session: AsyncSession, payload: KeyNamed, *, asker: Person, now: datetime) -> str:
    row = await service.end_key(session, key_id=payload.key_id, actor=person_actor(asker.id), now=now)
    return str(row.id)


async def describe_key_change(
    session: AsyncSession,
    payload: KeyChange,
    *,
    asker: Person,  # noqa: ARG001 -- every act is described alike
    now: datetime,  # noqa: ARG001 -- every act is described alike
) -> list[tuple[str, str]]:
    """What it may now, and once that is done."""
    row = await service.living_key(session, payload.key_id)
    await check_departments(session, payload.acts_for())
    after = await _powers(session, row, payload.acts_for())
    return [_named(row), ("现在", await _powers(session, row)), ("改定后", after), _end(session, row.expires_at)]


async def change_key(session: AsyncSession, payload: KeyChange, *, asker: Person, now: datetime) -> str:
    actor, acts_for = person_actor(asker.id), payload.acts_for()
    row = await service.let_act_for(session, key_id=payload.key_id, acts_for=acts_for, actor=actor, now=now)
    return str(row.id)


ACTS: dict[str, TwoPersonHandler] = {
    TwoPersonAct.KEY_CREATE: TwoPersonHandler(
        title=Words("新建接口密钥", "create an API key"),
        permission=Permission.KEY_CHANGE,
        payload=NewKey,
        describe=describe_new_key,
        carry_out=create_key,
        prepare=draw_key,
    ),
    TwoPersonAct.KEY_CHANGE: TwoPersonHandler(
        title=Words("改定密钥可代谁办理", "change whom a key acts for"),
        permission=Permission.KEY_CHANGE,
        payload=KeyChange,
        describe=describe_key_change,
        carry_out=change_key,
    ),
    TwoPersonAct.KEY_END: TwoPersonHandler(
        title=Words("停用接口密钥", "end an API key"),
        permission=Permission.KEY_CHANGE,
        payload=KeyNamed,
        describe=describe_key,
        carry_out=end_key,
    ),
}
