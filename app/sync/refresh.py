"""Reads one object again because a callback named it (F12, F25). The callback itself is never believed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.database import Sessions, transaction
from app.inbox import service as inbox
from app.observability import HINTS_NOT_FOUND, get_logger
from app.org import queries as people
from app.org import service as org
from app.policy import service as policies
from app.sync import messages, queries, runs
from app.sync.changes import loss_budget
from app.sync.changes.apply import apply
from app.sync.changes.compare import Comparison, Scope, compare, count_changes, drop_losses
from app.sync.changes.report import SyncReport
from app.sync.changes.tags import TagContent, apply_tags
from app.sync.reading import staging
from app.sync.reading.staging import BadRow
from app.wecom.client import Platform
from app.wecom.errors import WecomRefused
from app.wecom.payloads import DepartmentDetail, DepartmentRef, UserDetail
from models.ids import LARGEST_NUMBER, fold, new_id
from models.org import SyncState

log = get_logger()

NOT_THERE = frozenset({60111, 60003, 60123, 60136, 40003, 40066, 40068, 46004})
"""Deleted, or outside our range: the platform does not say which."""
OUT_OF_SIGHT = frozenset({60011, 60021, 50002})
ROUNDS = 3
"""How often we read again because somebody else wrote the object while we were reading it."""

T = TypeVar("T")


async def refresh_person(
    sessions: Sessions,
    platform: Platform,
    clock: Clock,
    *,
    userid: str,
    new_userid: str | None,
    deleted: bool,
    callbacks: Sequence[int] = (),
) -> None:
    """Read one person anew and apply it. Only a deletion that the platform stated *and* the refetch confirms is a
    departure; whoever merely cannot be seen is left to the full run.
    """
    current = new_userid or userid
    for _ in range(ROUNDS):
        started = clock.now()
        renamed = new_userid is not None and await _ask(lambda: platform.app.get_user(userid)) is None
        user = await _ask(lambda: platform.app.get_user(current))
        async with transaction(sessions) as session:
            if await queries.person_changed_since(session, [userid, current], started):
                continue
            if renamed and new_userid is not None:
                await org.rename(session, old=userid, new=new_userid, run_id=None, now=clock.now())
            is_known = await people.person_by_userid(session, current) is not None
            await apply_person(session, user, userid=current, deleted=deleted, now=clock.now())
            if user is None and not (deleted and is_known):
                await _nothing_there(session, callbacks, kind="person", reason=messages.person_not_found(current))
        return
    log.warning("org.refresh_contended", userid=current)


async def _ask(read: Callable[[], Awaitable[T]]) -> T | None:
    """None when we cannot see the object. Any other error makes the job try again."""
    try:
        return await read()
    except WecomRefused as error:
        if error.errcode in NOT_THERE or error.errcode in OUT_OF_SIGHT:
            return None
        raise


async def apply_person(
    session: AsyncSession, user: UserDetail | None, *, userid: str, deleted: bool, now: datetime
) -> None:
    if user is None and not deleted:
        log.info("org.person_out_of_sight", userid=userid)
        return
    run_id = new_id()
    if user is not None:
        try:
            await staging.stage_people(session, [staging.known_in_detail(run_id, user, None, faults=[])])
        except BadRow as error:
            log.warning("org.row_unreadable", fault=str(error))
            return
    scope = Scope(
        run_id=run_id,
        as_of=now,
        ids_complete=user is None,
        missing_limit=1,
        userids=[fold(user.userid if user else userid)],
    )
    await _apply_hint(session, scope, subject=userid, now=now)


def _is_number(value: int) -> bool:
    """False for what no column holds: the platform has no such object."""
    return 0 < value <= LARGEST_NUMBER


async def _nothing_there(session: AsyncSession, callbacks: Sequence[int], *, kind: str, reason: str) -> None:
    """An event that led to nothing must not look like one that did."""
    if callbacks:
        HINTS_NOT_FOUND.labels(kind).inc(len(callbacks))
        await inbox.led_to_nothing(session, event_ids=callbacks, reason=reason)


async def refresh_department(
    sessions: Sessions,
    platform: Platform,
    clock: Clock,
    *,
    department_id: int,
    deleted: bool,
    callbacks: Sequence[int] = (),
) -> None:
    found: DepartmentDetail | DepartmentRef | None = None
    gone = False
    if _is_number(department_id):
        found = await _ask(lambda: platform.app.get_department(department_id))
    if found is None and _is_number(department_id):
        refs = await platform.contacts.get_department_ids()
        found = next((ref for ref in refs if ref.id == department_id), None)
        # The root is always there: a list without it is no list.
        gone = deleted and found is None and any(ref.parent_id in {None, 0} for ref in refs)
    if found is None and not gone:
        async with transaction(sessions) as session:
            reason = messages.department_not_found(department_id)
            await _nothing_there(session, callbacks, kind="department", reason=reason)
        return
    async with transaction(sessions) as session:
        await apply_department(session, found, department_id=department_id, now=clock.now())


async def apply_department(
    session: AsyncSession, found: DepartmentDetail | DepartmentRef | None, *, department_id: int, now: datetime
) -> None:
    run_id = new_id()
    if found is not None:
        try:
            await staging.stage_departments(session, [staging.department_row(run_id, found)])
        except BadRow as error:
            log.warning("org.row_unreadable", fault=str(error))
            return
    scope = Scope(
        run_id=run_id,
        as_of=now,
        departments_complete=found is None,
        missing_limit=1,
        userids=[],
        department_ids=[department_id],
    )
    await _apply_hint(session, scope, subject=f"部门 {department_id}", now=now)


async def refresh_tag(
    sessions: Sessions, platform: Platform, clock: Clock, *, tag_id: int, callbacks: Sequence[int] = ()
) -> None:
    """Read a tag again. A deleted tag keeps its last members: no approver vanishes unless a person decides it."""
    detail = await _ask(lambda: platform.app.get_tag(tag_id)) if _is_number(tag_id) else None
    if detail is None:
        async with transaction(sessions) as session:
            await _nothing_there(session, callbacks, kind="tag", reason=messages.tag_not_found(tag_id))
        return
    async with transaction(sessions) as session:
        now = clock.now()
        budget = (await policies.in_force(session, now=now)).document.org.loss_budget
        content = TagContent.from_detail(tag_id, detail)
        outcome = await apply_tags(session, [content], budget=budget, run_id=None, now=now)
    if outcome.held:
        log.warning("org.tag_held", tag_id=tag_id)


async def _apply_hint(session: AsyncSession, scope: Scope, *, subject: str, now: datetime) -> None:
    """Compare one object as a full run does. Many small losses count together (P6)."""
    budget = (await policies.in_force(session, now=now)).document.org.loss_budget
    earlier = await queries.losses_by_hints(session, since=await queries.last_full_end(session))
    comparison = await compare(session, scope, budget, earlier=earlier)
    if comparison.is_empty:
        await staging.forget(session, run_id=scope.run_id)
        return
    comparison = _allow_first_loss(comparison, earlier)
    await drop_losses(session, comparison.decision)
    counts = await count_changes(session)
    run = await runs.open_hint_run(session, run_id=scope.run_id, reason="hint", now=now)
    await apply(session, run_id=run.id, now=now)
    report = SyncReport(explanations=[messages.hint_held(subject)]) if comparison.decision.holds else SyncReport()
    await runs.finish(session, run, state=SyncState.DONE, now=now, counts=counts, report=report)


def _allow_first_loss(comparison: Comparison, earlier: loss_budget.Losses) -> Comparison:
    """Never hold the first loss since the last full run: one loss that the platform states is no mass loss."""
    decision = replace(
        comparison.decision,
        people=comparison.decision.people and earlier.people.lost > 0,
        departments=comparison.decision.departments and earlier.departments.lost > 0,
        group_places=False,
    )
    return replace(comparison, decision=decision)
