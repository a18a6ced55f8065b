"""The sync, for others: `from app.sync import service as sync`.

A hint from a callback fetches nothing and decides nothing: a job reads the object anew (F12).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.sync.apply_run import release
from app.sync.changes.report import StagedCounts, SyncReport
from app.sync.full_run import run_sync
from app.sync.job_payloads import (
    PERSON_DEPARTED,
    REFRESH_DEPARTMENT,
    REFRESH_PERSON,
    REFRESH_TAG,
    DepartmentPayload,
    DeparturePayload,
    PersonPayload,
    TagPayload,
)
from app.sync.runs import ensure_scheduled, reject, request

__all__ = [
    "PERSON_DEPARTED",
    "DeparturePayload",
    "StagedCounts",
    "SyncReport",
    "ensure_scheduled",
    "hint_department",
    "hint_tag",
    "hint_user",
    "reject",
    "release",
    "request",
    "run_sync",
    "visible_range_changed",
]


async def hint_user(
    session: AsyncSession,
    *,
    userid: str,
    new_userid: str | None = None,
    deleted: bool = False,
    now: datetime,  # noqa: ARG001 -- every hint is called alike
) -> None:
    """A callback named a person. No dedupe key: a job already running may have read before this change."""
    payload = PersonPayload(userid=userid, new_userid=new_userid, deleted=deleted)
    await REFRESH_PERSON.enqueue(session, payload)


async def hint_department(
    session: AsyncSession,
    *,
    department_id: int,
    deleted: bool = False,
    now: datetime,  # noqa: ARG001 -- every hint is called alike
) -> None:
    await REFRESH_DEPARTMENT.enqueue(session, DepartmentPayload(department_id=department_id, deleted=deleted))


async def hint_tag(session: AsyncSession, *, tag_id: int, now: datetime) -> None:  # noqa: ARG001 -- as above
    await REFRESH_TAG.enqueue(session, TagPayload(tag_id=tag_id))


async def visible_range_changed(session: AsyncSession, *, userid: str, now: datetime) -> None:
    """The app received subscribe or unsubscribe: the person entered its range or left it."""
    await hint_user(session, userid=userid, now=now)
