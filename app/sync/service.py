"""The sync, for others: `from app.sync import service as sync`.

A hint from a callback fetches nothing and decides nothing: a job reads the object anew (F12).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.job import Job
from app.observability import current_correlation_id
from app.sync import queries
from app.sync.apply_run import release
from app.sync.changes.report import Held, HeldLosses, NamedChange, ReleaseEffect, StagedCounts, SyncReport
from app.sync.errors import SyncRunUnknown
from app.sync.full_run import run_sync
from app.sync.job_payloads import (
    PERSON_DEPARTED,
    REFRESH_DEPARTMENT,
    REFRESH_PERSON,
    REFRESH_TAG,
    DepartmentPayload,
    DeparturePayload,
    HintPayload,
    PersonPayload,
    TagPayload,
)
from app.sync.queries import ChangeFilter
from app.sync.runs import ensure_scheduled, held_run_to_read, reject, request
from app.sync.shown import Difference, DifferencePage, RunPage, differences_listed, runs_listed
from models.ids import SyncRunId, fold
from models.org import SyncRun

__all__ = [
    "PERSON_DEPARTED",
    "ChangeFilter",
    "DepartmentPayload",
    "DeparturePayload",
    "Difference",
    "DifferencePage",
    "Held",
    "HeldLosses",
    "Hint",
    "NamedChange",
    "PersonPayload",
    "ReleaseEffect",
    "RunPage",
    "StagedCounts",
    "SyncReport",
    "TagPayload",
    "differences_listed",
    "ensure_scheduled",
    "held_run_to_read",
    "hint_user",
    "look_again",
    "read_run",
    "reject",
    "release",
    "request",
    "run_sync",
    "runs_listed",
]


async def read_run(session: AsyncSession, *, run_id: SyncRunId) -> SyncRun:
    run = await queries.sync_run(session, run_id)
    if run is None:
        raise SyncRunUnknown(f"没有同步 {run_id}", f"There is no sync {run_id}")
    return run


Hint = PersonPayload | DepartmentPayload | TagPayload
"""One object to read again."""

H = TypeVar("H", bound=HintPayload)


async def look_again(session: AsyncSession, hints: Sequence[Hint], traces: Mapping[int, str] | None = None) -> None:
    """Queue the refetches. Hints that come together about one object are one refetch, with what the last one said.

    No dedupe key: a job that is already running may have read before this change. `traces` has the correlation ids of
    the callbacks, where they differ.
    """
    joined: dict[tuple[str, str], Hint] = {}
    apart: list[Hint] = []
    for hint in hints:
        if isinstance(hint, PersonPayload) and hint.new_userid:
            # Who is called what is decided in the order of the renames.
            apart += [*_taken(joined, hint), hint]
            continue
        key = _object_of(hint)
        joined[key] = _joined(joined[key], hint) if key in joined else hint
    waiting = [*apart, *joined.values()]
    await _queue(session, REFRESH_PERSON, waiting, traces or {})
    await _queue(session, REFRESH_DEPARTMENT, waiting, traces or {})
    await _queue(session, REFRESH_TAG, waiting, traces or {})


async def _queue(session: AsyncSession, job: Job[H], waiting: Sequence[Hint], traces: Mapping[int, str]) -> None:
    payloads = [hint for hint in waiting if isinstance(hint, job.payload)]
    here = current_correlation_id()
    belongs_to = [traces.get(hint.callbacks[-1], here) if hint.callbacks else here for hint in payloads]
    await job.enqueue_many(session, payloads, correlation_ids=belongs_to)


def _joined(earlier: Hint, hint: Hint) -> Hint:
    said: dict[str, Any] = {"callbacks": earlier.callbacks + hint.callbacks}
    if isinstance(earlier, PersonPayload) and "deleted" not in hint.model_fields_set:
        # That somebody left the app's range follows when they are deleted, and takes nothing back.
        said["deleted"] = earlier.deleted
    return hint.model_copy(update=said)


def _object_of(hint: Hint) -> tuple[str, str]:
    if isinstance(hint, PersonPayload):
        return "person", fold(hint.userid)
    return ("department", str(hint.department_id)) if isinstance(hint, DepartmentPayload) else ("tag", str(hint.tag_id))


def _taken(joined: dict[tuple[str, str], Hint], rename: PersonPayload) -> list[Hint]:
    """What was said of these userids before the rename."""
    names = {fold(rename.userid), fold(rename.new_userid or "")}
    return [joined.pop(key) for key in [("person", name) for name in names] if key in joined]


async def hint_user(
    session: AsyncSession,
    *,
    userid: str,
    new_userid: str | None = None,
    deleted: bool = False,
    now: datetime,  # noqa: ARG001 -- every hint is called alike
) -> None:
    """Something has named a person."""
    await look_again(session, [PersonPayload(userid=userid, new_userid=new_userid, deleted=deleted)])
