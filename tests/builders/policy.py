"""Policy versions for tests: the default policy, or a variation of it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.policy import service
from app.policy.document import default_document, demo_document
from app.policy.schema import PolicyDocument
from app.policy.service import Policy
from app.working_time import WorkingCalendar
from models.ids import PolicyVersionId, new_id
from models.policy import PolicyVersion

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


async def policy(
    session: AsyncSession,
    *,
    document: PolicyDocument | None = None,
    effective_at: datetime = LONG_AGO,
    **changes: Any,
) -> Policy:
    """The next version, in force since `effective_at`.

    `changes` go into the default document by dotted path, with `__` for the dots:
    `tasks__accept_within="8s"`, `groups__types__project__max_members=3`.
    """
    number = (await session.scalars(select(func.coalesce(func.max(col(PolicyVersion.number)), 0)))).one() + 1
    row = PolicyVersion(
        id=new_id(),
        number=number,
        title="测试制度",
        document=changed(document or default_document(), **changes).model_dump(mode="json"),
        source="",
        sha256=f"test-{number}",
        effective_at=effective_at,
        created_at=effective_at,
        created_by="operator:test",
    )
    session.add(row)
    await session.flush()
    return await service.get(session, PolicyVersionId(row.id))


async def policy_in_force(session: AsyncSession, **changes: Any) -> Policy:
    """The default policy; an existing newest version is taken as it is when nothing is changed."""
    newest = (await session.scalars(select(PolicyVersion).order_by(col(PolicyVersion.number).desc()).limit(1))).first()
    if newest is not None and not changes:
        return await service.get(session, PolicyVersionId(newest.id))
    return await policy(session, **changes)


def changed(document: PolicyDocument, **changes: Any) -> PolicyDocument:
    """The document with some values replaced, validated again."""
    if not changes:
        return document
    plain = document.model_dump(mode="json")
    for path, value in changes.items():
        *way, last = path.split("__")
        section = plain
        for name in way:
            section = section[name]
        section[last] = value
    return PolicyDocument.model_validate(plain)


@cache
def demo() -> PolicyDocument:
    return demo_document()


def calendar(**days: bool) -> WorkingCalendar:
    """Monday to Friday with the default policy's hours; exceptions as `d2026_10_01=False`."""
    exceptions = {datetime.strptime(day, "d%Y_%m_%d").replace(tzinfo=UTC).date(): on for day, on in days.items()}
    return WorkingCalendar(exceptions, default_document().working_time.as_hours())
