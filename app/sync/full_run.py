"""One full run: read, stage, compare, decide, apply. Each step is one transaction or calls to the platform (D5)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.database import Sessions, transaction
from app.observability import get_logger
from app.policy import service as policies
from app.sync import messages, runs
from app.sync.apply_run import SyncReading, apply_run
from app.sync.changes.report import BadRows
from app.sync.changes.tags import TagContent, wanted_tags
from app.sync.errors import RunLost
from app.sync.reading import fetch, staging, unchanged
from app.sync.reading.fetch import Outline, Problems
from app.sync.reading.staging import BadRow, DepartmentRow, PersonRow
from app.wecom.client import Platform
from app.wecom.errors import WecomError
from app.wecom.payloads import DepartmentDetail, UserDetail
from models.ids import fold
from models.org import SyncRun

log = get_logger()

BATCH = 5_000
"""Rows staged in one transaction: a few megabytes in memory, twenty transactions for 100,000 people."""
EXAMPLES = 20
EXAMPLES_IN_A_SENTENCE = 3


@dataclass
class Work:
    """A run that is at work, and what it has read so far."""

    sessions: Sessions
    platform: Platform
    clock: Clock
    run_id: UUID
    problems: Problems = field(default_factory=Problems)
    waiting: list[PersonRow] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    bad_rows: list[str] = field(default_factory=list)
    """Rows and values that could not be staged."""
    unreadable: set[str] = field(default_factory=set)
    """People whose details were malformed. The app can see them all the same."""
    unread: list[int] = field(default_factory=list)
    """Departments whose members could not be read."""
    told: set[int] = field(default_factory=set)
    """Departments whose page shows somebody whom the id list names there."""
    denied: list[int] = field(default_factory=list)
    """Of the unread, those whose page came and does not show whom the id list names there: one of the two is wrong."""
    known: dict[str, bytes] = field(default_factory=dict)
    """What was read before, by userid."""
    key: bytes = b""
    unchanged: list[str] = field(default_factory=list)
    """Who was read as before: not staged."""
    places: set[int] = field(default_factory=set)
    """Their departments."""
    hidden: int = 0
    """People outside the app's range."""
    fetched: int = 0
    writing: asyncio.Task[None] | None = None
    """The batch that is being staged while the next pages are read."""

    @asynccontextmanager
    async def step(self) -> AsyncIterator[AsyncSession]:
        async with transaction(self.sessions) as session:
            yield session

    async def progress(self, phase: str, **numbers: int) -> None:
        async with self.step() as session:
            await runs.beat(session, run_id=self.run_id, now=self.clock.now(), phase=phase, **numbers)

    @property
    def read(self) -> int:
        return self.fetched + len(self.unchanged)

    def stage(self, row: PersonRow) -> None:
        """Unless it was read before exactly as now."""
        digest = unchanged.digest_of(row, self.key)
        if self.known.get(row.userid) == digest:
            self.unchanged.append(row.userid)
            self.places.update(row.department_ids)
        else:
            self.waiting.append(row._replace(digest=digest))

    def bad(self, error: BadRow) -> None:
        self.bad_rows.append(str(error))


async def run_sync(sessions: Sessions, platform: Platform, clock: Clock, *, run_id: UUID) -> UUID | None:
    """Carry out a queued run. Returns the id of the run that was carried out (another one when it took over a dead
    run), or None when there was nothing to do. Errors of the platform end in the run's report, not here.
    """
    async with transaction(sessions) as session:
        run = await runs.claim(session, run_id=run_id, now=clock.now())
    if run is None:
        return None
    work = Work(sessions, platform, clock, run.id)
    try:
        async with _heartbeat(work), _no_batch_left(work):
            await _carry_out(work, run)
    except RunLost:
        log.warning("org.sync_lost", run_id=str(run.id))
    except Exception as error:
        async with work.step() as session:
            await runs.fail(session, run_id=run.id, now=clock.now(), sentences=[messages.crashed(type(error).__name__)])
        raise
    return run.id


@asynccontextmanager
async def _heartbeat(work: Work) -> AsyncIterator[None]:
    """Keep the run alive while the platform is slow and nothing is staged."""
    task = asyncio.create_task(_beat_until_cancelled(work))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, RunLost):
            await task


@asynccontextmanager
async def _no_batch_left(work: Work) -> AsyncIterator[None]:
    """When a run ends early, stop the batch that is still being written."""
    try:
        yield
    finally:
        if work.writing is not None:
            work.writing.cancel()
            await asyncio.gather(work.writing, return_exceptions=True)


async def _beat_until_cancelled(work: Work) -> None:
    while True:
        await asyncio.sleep(runs.HEARTBEAT.total_seconds())
        async with work.step() as session:
            await runs.beat(session, run_id=work.run_id, now=work.clock.now())


async def _carry_out(work: Work, run: SyncRun) -> None:
    outline = await fetch.read_outline(work.platform, work.problems)
    if outline.is_empty:
        await _give_up(work, messages.both_failed())
        return
    await _stage_departments(work, outline)
    details_complete = await _stage_people(work, outline)
    if not work.read:
        await _give_up(work, messages.nobody_read())
        return
    tags = await _read_tags(work)
    reading = SyncReading(
        run_id=run.id,
        as_of=run.started_at,
        ids_complete=outline.ids is not None,
        departments_complete=outline.refs is not None,
        unchanged=work.unchanged,
        places_of_unchanged=work.places,
        tags=tags,
        details_complete=details_complete,
        unusable=_counted([*work.problems.unusable, *work.bad_rows]),
        repaired=_counted(list(work.problems.repaired)),
        explanations=_explanations(work, outline, details_complete=details_complete),
    )
    await work.progress("compare", fetched=work.read)
    async with work.step() as session:
        await apply_run(session, reading, now=work.clock.now())


async def _give_up(work: Work, why: str) -> None:
    """A run that read nobody changes nothing, and the next one comes soon (P6)."""
    async with work.step() as session:
        sentences = [why, *work.problems.sentences]
        await runs.fail(session, run_id=work.run_id, now=work.clock.now(), sentences=sentences)


# ---------------------------------------------------------------- departments


async def _stage_departments(work: Work, outline: Outline) -> None:
    """Stage every department id, with name, leaders and order where the app sees it."""
    rows: dict[int, DepartmentRow] = {}
    for department in [*(outline.refs or []), *(outline.details or [])]:
        try:
            rows[department.id] = staging.department_row(work.run_id, department)
        except BadRow as error:
            work.bad(error)
    work.key = unchanged.key_of(rows, ids_complete=outline.ids is not None)
    async with work.step() as session:
        work.known = await unchanged.known_digests(session)
        await staging.stage_departments(session, list(rows.values()))
        expected = len(outline.ids or {}) or len(outline.details or [])
        await runs.beat(
            session, run_id=work.run_id, now=work.clock.now(), phase="details", expected=expected, fetched=0
        )


# ---------------------------------------------------------------- people


async def _stage_people(work: Work, outline: Outline) -> bool:
    """Stage details from the app, then the people of whom only the id is known. True when the whole range was read."""
    ids = outline.ids
    complete = outline.details is not None and outline.agent is not None
    if outline.details is not None:
        await _stage_details(work, ids, outline.details)
        complete = await _stage_named(work, outline) and complete
        if ids is not None:
            _note_denied(work, ids, outline)
        complete = complete and not work.unread
    if ids is not None:
        # A page that could not be read might have shown the others: without it nobody counts as invisible.
        if complete:
            await _stage_details_from_contacts(work, ids)
        await _stage_ids(work, ids, hidden=complete)
    await _flush(work)
    await _written(work)
    return complete


async def _stage_details(work: Work, ids: fetch.Ids | None, departments: list[DepartmentDetail]) -> None:
    keys = [department.id for department in departments]
    async for department_id, answer in fetch.concurrently(keys, work.platform.app.list_users):
        if isinstance(answer, WecomError):
            work.unread.append(department_id)
            work.problems.note(answer, credential="app", what=f"部门 {department_id} 的成员")
            continue
        work.problems.lost(answer.lost)
        if ids is not None and _shows_somebody(answer, ids, department_id):
            work.told.add(department_id)
        for user in answer:
            _take(work, ids, user, visible=True)
        if len(work.waiting) >= BATCH:
            await _flush(work)


def _shows_somebody(page: Iterable[UserDetail], ids: fetch.Ids, department_id: int) -> bool:
    """Of those whom the id list names in this department."""
    return any(department_id in ids[folded][1] for user in page if (folded := fold(user.userid)) in ids)


def _note_denied(work: Work, ids: fetch.Ids, outline: Outline) -> None:
    """Nobody is outside of the app's range who is in a department of it. A page that leaves them out was not read.

    A department that the app lists for another reason than its range may show some of its people only.
    """
    in_range = outline.departments_in_range
    listed = {department.id for department in outline.details or []} - set(work.unread)
    known = work.seen | work.unreadable
    unseen = (places for folded, (_, places) in ids.items() if folded not in known)
    work.denied = sorted({one for places in unseen for one in places if one in listed} - (work.told - in_range))
    work.unread += work.denied


async def _stage_named(work: Work, outline: Outline) -> bool:
    before = len(work.problems.sentences)
    named = fetch.read_named_people(
        work.platform, outline.agent, work.problems, known=lambda userid: userid in work.seen
    )
    async for user in named:
        _take(work, outline.ids, user, visible=True)
    return len(work.problems.sentences) == before


async def _stage_details_from_contacts(work: Work, ids: fetch.Ids) -> None:
    """Outside the app's range an old contacts credential may tell names, a new one answers 48009 (callbacks §3.2)."""
    contacts = work.platform.contacts
    unseen = {d for folded, (_, places) in ids.items() if folded not in work.seen for d in places}
    for first in sorted(unseen)[:1]:
        try:
            await contacts.list_users(first)
        except WecomError as error:
            work.problems.note(error, credential="contacts", what=f"部门 {first} 的成员")
            return
    async for _, answer in fetch.concurrently(sorted(unseen), contacts.list_users):
        if not isinstance(answer, WecomError):
            work.problems.lost(answer.lost)
            for user in answer:
                _take(work, ids, user, visible=False)
        if len(work.waiting) >= BATCH:
            await _flush(work)


def _take(work: Work, ids: fetch.Ids | None, user: UserDetail, *, visible: bool) -> None:
    """Stage each person once: members of several departments appear on several pages."""
    folded = fold(user.userid)
    if folded in work.seen:
        return
    if user.faults:
        work.problems.told_by(user)
    listed = ids.get(folded) if ids is not None else None
    try:
        row = staging.known_in_detail(
            work.run_id, user, listed[1] if listed else None, visible=visible, faults=work.bad_rows
        )
    except BadRow as error:
        work.bad(error)
        work.unreadable.add(folded)
        return
    work.seen.add(row.userid)
    work.hidden += not visible
    work.stage(row)


async def _stage_ids(work: Work, ids: fetch.Ids, *, hidden: bool) -> None:
    for folded, (shown, places) in ids.items():
        if folded in work.seen:
            continue
        visible = not hidden or folded in work.unreadable
        try:
            row = staging.known_by_id(
                work.run_id, staging.checked_userid(shown), places, visible=visible, faults=work.bad_rows
            )
        except BadRow as error:
            work.bad(error)
            continue
        work.hidden += not visible
        work.stage(row)
        if len(work.waiting) >= BATCH:
            await _flush(work)


async def _flush(work: Work) -> None:
    """Start writing the rows that wait, one batch at a time, while the next pages are read."""
    rows, work.waiting = work.waiting, []
    await _written(work)
    if rows:
        work.fetched += len(rows)
        work.writing = asyncio.create_task(_write(work, rows))


async def _written(work: Work) -> None:
    """Wait for the batch that is being written, and raise its error."""
    if work.writing is not None:
        await work.writing
        work.writing = None


async def _write(work: Work, rows: list[PersonRow]) -> None:
    async with work.step() as session:
        await runs.beat(session, run_id=work.run_id, now=work.clock.now(), fetched=work.read)
        await staging.stage_people(session, rows)


# ---------------------------------------------------------------- tags and words


async def _read_tags(work: Work) -> list[TagContent]:
    async with work.step() as session:
        policy = await policies.in_force(session, now=work.clock.now())
        choose = await wanted_tags(session, policy.document)
    found = await fetch.read_tags(work.platform.app, work.problems, choose=choose)
    return [TagContent.from_detail(tag_id, detail) for tag_id, detail in found]


def _explanations(work: Work, outline: Outline, *, details_complete: bool) -> list[str]:
    said = list(work.problems.sentences)
    if details_complete and work.hidden:
        said.append(messages.outside_range(work.hidden))
    if outline.ids is None:
        said.append(messages.ids_unread())
    if outline.details is None:
        said.append(messages.app_unread())
    elif work.unread:
        if work.denied:
            said.append(messages.pages_deny_ids(work.denied))
        said.append(messages.details_unread(sorted(work.unread)))
    if count := len(work.problems.unusable) + len(work.bad_rows):
        said.append(messages.bad_rows(count))
    if repaired := list(work.problems.repaired):
        said.append(messages.repaired(len(repaired), repaired[:EXAMPLES_IN_A_SENTENCE]))
    return said


def _counted(rows: list[str]) -> BadRows:
    return BadRows(count=len(rows), examples=rows[:EXAMPLES])
