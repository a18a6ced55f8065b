"""Reading the organisation from the platform, with the credential that may read each part (F19, F20).

The contacts credential lists every id in the corp; the app tells names and details of those in its visible range. What
cannot be read is remembered as a problem and never taken for an absence. Nothing here knows the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from app.sync import messages
from app.wecom.client import Platform, WecomClient
from app.wecom.errors import HttpFailure, QuotaExhausted, WaitUntil, WecomError, WecomRefused
from app.wecom.payloads import AgentInfo, DepartmentDetail, DepartmentRef, Payload, TagDetail, TagRef, UserDetail
from models.ids import fold

AT_ONCE = 12
"""Pages under way at the same time. The platform refuses too much parallelism (45033)."""
ATTEMPTS = 3
LONGEST_WAIT = timedelta(minutes=2)
"""A minute's limit is waited out; an hour's ends the read, and the next run tries again."""
BAD_CURSOR = 50100
OK = 200
RESTARTS = 3
"""How often the id list is read from its beginning because its cursor expired."""

T = TypeVar("T")
Ids = dict[str, tuple[str, tuple[int, ...]]]
"""Folded userid → (as shown, departments). Tuples, because a hundred thousand lists keep the collector busy."""


@dataclass
class Problems:
    """Why something could not be read: sentences for the report, each once."""

    sentences: dict[str, None] = field(default_factory=dict)
    unusable: dict[str, None] = field(default_factory=dict)
    """Rows and values that could not be used. The rest of their page was (F30)."""
    repaired: dict[str, None] = field(default_factory=dict)
    """Texts that came with illegal characters, and are kept without them."""

    def lost(self, rows: Iterable[str]) -> None:
        self.unusable |= dict.fromkeys(rows)

    def told_by(self, row: Payload) -> None:
        """What of this row could not be taken as it came."""
        for fault in row.faults:
            (self.repaired if fault.is_repaired else self.unusable)[str(fault)] = None

    def note(self, error: WecomError, *, credential: str, what: str) -> None:
        if isinstance(error, WecomRefused):
            sentence = messages.refused(
                credential=credential,
                what=what,
                errcode=error.errcode,
                meaning=error.meaning_zh,
                cure=error.cure_zh,
                caller_ip=error.caller_ip,
            )
        elif isinstance(error, QuotaExhausted):
            sentence = messages.kept_back(credential=credential, what=what, why=error.why, until=error.until)
        elif isinstance(error, HttpFailure) and error.status == OK:
            sentence = messages.not_understood(credential=credential, what=what)
        else:
            sentence = messages.not_reached(credential=credential, what=what, reason=type(error).__name__)
        self.sentences[sentence] = None


@dataclass
class Outline:
    """What is read before the details."""

    ids: Ids | None
    """None when the list could not be read to its end."""
    refs: list[DepartmentRef] | None
    details: list[DepartmentDetail] | None
    """The departments in the app's visible range."""
    agent: AgentInfo | None

    @property
    def departments_in_range(self) -> set[int]:
        """Those of the app's range and all below them: it sees everybody in these."""
        below: dict[int | None, list[int]] = {}
        for department in [*(self.refs or []), *(self.details or [])]:
            below.setdefault(department.parent_id, []).append(department.id)
        found: set[int] = set()
        waiting = list(self.agent.party_ids) if self.agent is not None else []
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += below.get(one, [])
        return found

    @property
    def is_empty(self) -> bool:
        return self.ids is None and self.details is None


async def read_with_retries(read: Callable[[], Awaitable[T]]) -> T:
    """Read again when the platform's block is over. (The client itself repeats after a short failure.)"""
    for _ in range(ATTEMPTS - 1):
        try:
            return await read()
        except WaitUntil as error:
            if error.wait > LONGEST_WAIT:
                raise
            await asyncio.sleep(error.wait.total_seconds())
    return await read()


async def read_outline(platform: Platform, problems: Problems) -> Outline:
    """Read ids, departments and the app's range at the same time."""
    app, contacts = platform.app, platform.contacts
    ids, refs, details, agent = await asyncio.gather(
        _attempt(lambda: read_ids(contacts, problems), problems, "contacts", "账号名单"),
        _attempt(lambda: read_with_retries(contacts.get_department_ids), problems, "contacts", "部门名单"),
        _attempt(lambda: read_with_retries(app.list_departments), problems, "app", "部门"),
        _attempt(lambda: read_with_retries(app.get_agent), problems, "app", "应用设置"),
    )
    for rows in (refs, details):
        if rows is not None:
            problems.lost(rows.lost)
            for row in rows:
                problems.told_by(row)
    if not ids and ids is not None:
        # A corp has somebody: a list of nobody is no list (P6).
        problems.sentences[messages.ids_empty()] = None
        ids = None
    return Outline(ids, refs, details, agent)


async def _attempt(read: Callable[[], Awaitable[T]], problems: Problems, credential: str, what: str) -> T | None:
    try:
        return await read()
    except WecomError as error:
        problems.note(error, credential=credential, what=what)
        return None


async def read_ids(contacts: WecomClient, problems: Problems) -> Ids:
    """Every id in the corp: one row per person and department, joined here. A stale cursor starts anew."""
    for _ in range(RESTARTS - 1):
        try:
            return await _read_ids_once(contacts, problems)
        except WecomRefused as error:
            if error.errcode != BAD_CURSOR:
                raise
    return await _read_ids_once(contacts, problems)


async def _read_ids_once(contacts: WecomClient, problems: Problems) -> Ids:
    ids: Ids = {}
    cursor = ""
    while True:
        page = await read_with_retries(lambda cursor=cursor: contacts.list_user_ids(cursor))  # type: ignore[misc]
        problems.lost(page.lost)
        for userid, department_id in page.rows:
            shown, places = ids.get(fold(userid), (userid, ()))
            ids[fold(userid)] = (shown, (*places, department_id))
        cursor = page.next_cursor
        # An empty cursor ends the list; a short page does not.
        if not cursor:
            return ids


async def concurrently(
    keys: Iterable[Any], read: Callable[[Any], Awaitable[T]], *, at_once: int = AT_ONCE
) -> AsyncIterator[tuple[Any, T | WecomError]]:
    """The answers in the order in which they arrive, with at most `at_once` reads at a time. A refusal is an answer."""
    waiting = iter(keys)
    running: dict[asyncio.Task[T], Any] = {}
    try:
        while True:
            while len(running) < at_once and (key := next(waiting, None)) is not None:
                running[asyncio.ensure_future(_awaited(read, key))] = key
            if not running:
                return
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield running.pop(task), _outcome(task)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _awaited(read: Callable[[Any], Awaitable[T]], key: Any) -> T:
    return await read_with_retries(lambda: read(key))


def _outcome(task: asyncio.Task[T]) -> T | WecomError:
    try:
        return task.result()
    except WecomError as error:
        return error


async def read_tags(
    app: WecomClient, problems: Problems, *, choose: Callable[[list[TagRef]], list[int]]
) -> list[tuple[int, TagDetail]]:
    """The chosen tags with their members. A tag that cannot be read is left as it is."""
    refs = await _attempt(lambda: read_with_retries(app.list_tags), problems, "app", "标签")
    if refs is not None:
        problems.lost(refs.lost)
    found: list[tuple[int, TagDetail]] = []
    async for tag_id, answer in concurrently(choose(list(refs or [])), app.get_tag):
        if isinstance(answer, WecomError):
            problems.note(answer, credential="app", what=f"标签 {tag_id}")
        else:
            problems.told_by(answer)
            found.append((tag_id, answer))
    return found


async def read_named_people(
    platform: Platform, agent: AgentInfo | None, problems: Problems, *, known: Callable[[str], bool]
) -> AsyncIterator[UserDetail]:
    """People in the app's range by name or by tag: no department page shows them."""
    if agent is None:
        return
    userids = {fold(userid): userid for userid in agent.user_ids}
    async for tag_id, answer in concurrently(agent.tag_ids, platform.app.get_tag):
        if isinstance(answer, WecomError):
            problems.note(answer, credential="app", what=f"标签 {tag_id}")
        else:
            userids |= {fold(userid): userid for userid in answer.userids}
    missing = [userid for folded, userid in userids.items() if not known(folded)]
    async for userid, found in concurrently(missing, platform.app.get_user):
        if isinstance(found, WecomError):
            problems.note(found, credential="app", what=f"成员 {userid}")
        else:
            yield found
