"""Each number of the overview leads to the list of exactly what it counts (F116)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals import service as approvals
from app.approvals.service import Application
from app.audit.actor import person_actor
from app.console.pages.overview import PLACES
from app.database import transaction
from app.overview import service as overviews
from app.overview.service import Place
from models.approvals import OutcomeState, RequestState, RequestStep
from models.delivery import CallState, FailReason, refused_with
from models.groups import FindingKind, FindingState, GroupFinding
from models.inbox import EventState, ReceivedEvent
from models.intake import CallbackGap, GapReason
from models.org import SyncRun, SyncState, UseridReview
from models.tasks import TaskState
from tests.builders import groups, tasks
from tests.builders.groups import said_of
from tests.company import Company
from tests.overview.test_overview import call
from tests.pages.operations import let
from tests.pages.world import House

ROWS: Final = re.compile(r"<tbody>(.*?)</tbody>", re.DOTALL)


def names_in(dependant: Dependant) -> set[str]:
    own = {one.alias for one in dependant.query_params}
    return own.union(*(names_in(one) for one in dependant.dependencies))


def routes_in(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, APIRoute]]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_in(inner.routes, prefix + route.include_context.prefix)
        elif isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            yield prefix + route.path, route


async def test_every_list_reads_the_filters_that_lead_to_it(house: House) -> None:
    async with transaction(house.services.sessions) as session:
        figures = (await overviews.overview(session, now=house.clock.now())).figures
    read = {path: names_in(route.dependant) for path, route in routes_in(house.app.routes) if path in PLACES.values()}
    unread = {
        one.measure.name: set(one.measure.link.filters) - read[PLACES[one.measure.link.to]]
        for one in figures
        if one.measure.link.to in PLACES and one.measure.link.to is not Place.CALLBACK_GAPS  # above its list, all open
    }
    assert {name: filters for name, filters in unread.items() if filters} == {}


PERSON_COUNTS: Final = {"receipts.open", "receipts.late", "receipts.undelivered"}
"""They count people, and their list shows the announcements whose people they are."""
NO_LIST: Final = {"limits.blocked", "limits.trouble", "limits.tight", "platform.unhealthy"}
"""They lead to a page that shows the state of everything, and filters nothing."""


async def both_sides(session: AsyncSession, house: House) -> None:
    """Of everything that is counted something, and something beside it that only the filter keeps out."""
    now, company = house.clock.now(), house.company
    await _requests(session, company, now)
    for number, state in enumerate((TaskState.BLOCKED, TaskState.DONE, TaskState.CANCELLED, TaskState.ASSIGNED)):
        due = now + timedelta(days=-1 if number % 2 else 1)
        task = await tasks.task(session, company.wang, company.li, title=f"任务{number}", now=now)
        task.state, task.due_at = state, due
    late = await tasks.task(session, company.wang, company.li, title="逾期", now=now)
    late.due_at = now - timedelta(days=1)
    group = await groups.group(session, "研发部-差异", owner=company.wang, members=[company.chen], now=now)
    facts: dict[str, Any] = {
        "policy_version_id": company.policy.id,
        "rule_key": "group.name",
        "correlation_id": "0" * 32,
    }
    facts |= {"group_id": group.id, "actor": "system:steward", "first_seen_at": now}
    session.add(GroupFinding(kind=FindingKind.RENAMED, state=FindingState.OPEN, **facts))
    session.add(GroupFinding(kind=FindingKind.ROSTER_LOSS, state=FindingState.RESOLVED, **facts))
    await session.flush()
    refused = {"hold_reason": refused_with(86008)}
    session.add_all(
        [
            call(CallState.HELD),
            call(CallState.READY),
            call(CallState.UNKNOWN),
            call(CallState.DONE, finished_at=now),
            call(CallState.DONE, hold_reason=FailReason.ARRIVED_AFTER_ALL, finished_at=now),
            call(CallState.FAILED, finished_at=now - timedelta(hours=23), **refused),
            call(CallState.FAILED, finished_at=now - timedelta(hours=25), **refused),
            call(CallState.FAILED, finished_at=now, hold_reason=FailReason.SUPERSEDED),
        ]
    )
    await _received(session, company, now)


async def _requests(session: AsyncSession, company: Company, now: datetime) -> None:
    group = await groups.group(session, "研发部-申请", owner=company.wang, members=[company.chen], now=now)
    asked = []
    for who in (company.li, company.sun, company.han, company.zhao):
        payload = {"group_id": str(group.id), **said_of("join")}
        wanted = Application("join", who, payload, submitted_by=person_actor(who.id), reason="参加联调")
        asked.append(await approvals.submit(session, wanted, now=now))
    asked[0].state, asked[0].outcome = RequestState.APPROVED, OutcomeState.FAILED
    asked[1].state, asked[1].outcome = RequestState.APPROVED, OutcomeState.DONE
    await session.flush()
    of_last = col(RequestStep.request_id) == asked[2].id
    await session.execute(update(RequestStep).where(of_last).values(due_at=now - timedelta(days=1)))
    of_next = col(RequestStep.request_id) == asked[3].id
    await session.execute(update(RequestStep).where(of_next).values(due_at=now + timedelta(days=1)))


async def _received(session: AsyncSession, company: Company, now: datetime) -> None:
    for at, state in enumerate((EventState.PENDING, EventState.PARKED, EventState.DONE, EventState.PARKED)):
        session.add(
            ReceivedEvent(
                app_id="app",
                dedup_key=bytes([at]),
                event_type="message.text",
                subject="user:li",
                occurred_at=now,
                received_at=now,
                body_digest=b"",
                state=state,
                correlation_id="0" * 32,
            )
        )
    for closed in (None, now):
        session.add(
            CallbackGap(reason=GapReason.NOT_SERVED, started_at=now, ended_at=now, recorded_at=now, closed_at=closed)
        )
    for hours, ran in ((6, SyncState.HELD), (5, SyncState.FAILED), (4, SyncState.DONE), (2, SyncState.FAILED)):
        at_hour = now - timedelta(hours=hours)
        run = SyncRun(state=ran, correlation_id="0" * 32, heartbeat_at=at_hour, started_at=at_hour)
        run.finished_at = at_hour
        session.add(run)
    for userid, decision in (("li", None), ("chen", "linked")):
        review = UseridReview(
            userid=userid, new_person_id=company.li.id, former_person_id=company.chen.id, found_at=now
        )
        review.decision = decision
        session.add(review)


async def test_the_list_has_as_many_rows_as_the_number_says(house: House) -> None:
    await let(house.services, house.company, "zhao", "administrator")
    async with transaction(house.services.sessions) as session:
        await both_sides(session, house)
    async with transaction(house.services.sessions) as session:
        figures = (await overviews.overview(session, now=house.clock.now())).figures
    zhao = await house.signed_in("zhao")
    measured = [one for one in figures if one.measure.link.to in PLACES]
    told, listed, unfiltered = {}, {}, {}
    for figure in measured:
        name, link = figure.measure.name, figure.measure.link
        if name in PERSON_COUNTS | NO_LIST:
            continue
        told[name] = figure.count
        page = await zhao.get(f"{PLACES[link.to]}?{urlencode(link.filters)}")
        assert page.status_code == 200, (name, zhao.text)
        listed[name] = rows_of(link.to, page.text)
        unfiltered[name] = rows_of(link.to, (await zhao.get(PLACES[link.to])).text)
    assert listed == told
    assert all(told.values()), "something of everything is there"
    # What is decided, or compared, is on no list at all.
    without_filter = {"callbacks.gaps", "members.returned"}
    assert {name for name in told if unfiltered[name] <= told[name]} == without_filter | {"findings.open"}


def rows_of(place: Place, page: str) -> int:
    if place is Place.CALLBACK_GAPS:
        return page.count("这段时间可能丢失了回调")
    if place is Place.RETURNED_MEMBERS:
        return page.count('<input type="hidden" name="userid"')
    body = ROWS.search(page)
    return body[1].count("<tr>") if body else 0
