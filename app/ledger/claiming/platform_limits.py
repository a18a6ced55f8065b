"""What a call takes of the platform's limits: reserved when it is claimed, settled when it has ended (P7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger import queries, rules
from app.ledger.rules import Effect, Failed, Hold
from app.limits.catalogue import COUNTERS, LIMITS, Per
from app.limits.usage import reservations as limits
from app.limits.usage.counters import Demand
from app.limits.usage.reservations import Flight, Shortage
from models.delivery import CallKind, FailReason, HoldReason, OutgoingCall

LONG = timedelta(seconds=30)
"""A call that takes longer counts in every reservation: it may still arrive."""

SMALLEST_PART = 20
"""A call is split for the sake of a limit of all its recipients only where at least this part of the limit is free: a
twentieth. Else the announcement would go out in crumbs."""

_COUNTED_ALONE = {CallKind.APPCHAT_CREATE: "appchat.create", CallKind.APPCHAT_UPDATE: "appchat.update"}
_COUNTED_IN_PEOPLE = {
    CallKind.MESSAGE_SEND: ("message.app", "message.member"),
    CallKind.APPCHAT_SEND: ("appchat.people", "appchat.member"),
}


@dataclass(frozen=True)
class Share:
    """Some recipients of a call, and why they wait or can never be reached. Without a reason they are sent now."""

    people: tuple[UUID, ...]
    verdict: Hold | Failed | None


async def reserve(session: AsyncSession, call: OutgoingCall, *, uncertain: bool, now: datetime) -> list[Share]:
    """Take what the call needs: an empty list when it may go. Else nothing is taken, and this is who waits for what.

    One share with everybody holds the call. An uncertain call is never divided: its bytes stay as they are.
    """
    people = await _people(session, call, since=now)
    wanted = _demands(call, people, len(people))
    if not wanted:
        return []

    async def ahead(key: str) -> int:
        counter = COUNTERS[LIMITS[key].counter]
        if counter.per is Per.MEMBER:
            return 0
        calls, waiting = await queries.waiting_ahead(session, call, key)
        return waiting if call.kind in _COUNTED_IN_PEOPLE else calls

    flights = await _flights(session, now)
    short = await limits.reserve(session, wanted, now=now, flights=flights, ahead=ahead)
    call.limit_amount = len(people)
    if not short:
        call.reserved_at = now
        return []
    if call.kind is CallKind.MESSAGE_SEND and not uncertain and len(people) > 1:
        return shares_of(call.app_id, people, short)
    return [Share(tuple(people), _too_large(call, len(people), short) or _hold(_last(short)))]


async def settle(session: AsyncSession, call: OutgoingCall, effect: Effect, *, now: datetime) -> None:
    """After an attempt: give back what it did not use. A call that took long counts from its end."""
    since, call.reserved_at = call.reserved_at, None
    if since is None:
        return
    is_late = any(limits.is_late(name, since=since, now=now) for name in _counters(call))
    if effect is Effect.POSSIBLE and not is_late:
        return  # the usual case, and it costs nothing
    wanted = _demands(call, await _people(session, call, since=since), call.limit_amount)
    silent = [demand for demand in wanted if COUNTERS[demand.counter].is_silent]
    loud = [demand for demand in wanted if not COUNTERS[demand.counter].is_silent]
    match effect:
        case Effect.NONE:
            # A roster may have changed since: what is not known to be ours stays.
            await limits.give_back(
                session, loud if call.kind is CallKind.APPCHAT_SEND else wanted, since=since, now=now
            )
        case Effect.REFUSED:
            if call.kind is CallKind.MESSAGE_SEND:
                await limits.give_back(session, silent, since=since, now=now)
            await limits.move(session, loud, since=since, now=now)
        case Effect.POSSIBLE:
            await limits.move(session, wanted, since=since, now=now)


def shares_of(app_id: str, people: Sequence[UUID], short: Sequence[Shortage]) -> list[Share]:
    """Who is sent now, and who waits for which limit. People who wait about equally long are grouped. Pure."""
    own: dict[str, Shortage] = {}
    for shortage in sorted(short, key=_until):
        if _is_of_a_member(shortage):
            own[shortage.subject] = shortage
    common = max((shortage for shortage in short if not _is_of_a_member(shortage)), key=_until, default=None)
    free = [person for person in people if _subject(app_id, person) not in own]
    room = len(free) if common is None else min(common.room, len(free))
    if common is not None and room < min(len(free), max(common.allowed // SMALLEST_PART, 1)):
        return [Share(tuple(people), _hold(common))]
    shares = [Share(tuple(free[:room]), None)] if room else []
    if common is not None and room < len(free):
        shares.append(Share(tuple(free[room:]), _hold(common)))
    waiting: dict[tuple[str, int], list[UUID]] = {}
    for person in people:
        if _subject(app_id, person) in own:
            waiting.setdefault(_about_the_same(own[_subject(app_id, person)]), []).append(person)
    for group in waiting.values():
        last = _last([own[_subject(app_id, person)] for person in group])
        shares.append(Share(tuple(group), _hold(last)))
    return shares


def _about_the_same(shortage: Shortage) -> tuple[str, int]:
    twelfth = LIMITS[shortage.key].window.length.total_seconds() / 12
    return shortage.key, int(shortage.until.timestamp() // twelfth)


async def _people(session: AsyncSession, call: OutgoingCall, *, since: datetime) -> list[UUID]:
    if call.kind is CallKind.MESSAGE_SEND:
        return await queries.unfinished_recipients(session, call.id)
    if call.kind is CallKind.APPCHAT_SEND:
        return await queries.members_of_chat(session, rules.body_of(call)["chatid"], since=since)
    return []


def _demands(call: OutgoingCall, people: Sequence[UUID], count: int) -> list[Demand]:
    """`count`: the number of people at the reservation, whoever has joined or left since."""
    if call.kind in _COUNTED_ALONE:
        return [Demand(_COUNTED_ALONE[call.kind], "")]
    if call.kind not in _COUNTED_IN_PEOPLE:
        return []  # the API's basic rate, which the client keeps
    common, own = _COUNTED_IN_PEOPLE[call.kind]
    subject = call.app_id if COUNTERS[common].per is Per.APP else ""
    # A group that we do not know has at least somebody in it.
    return [Demand(common, subject, max(count, 1)), *(Demand(own, _subject(call.app_id, person)) for person in people)]


def _counters(call: OutgoingCall) -> tuple[str, ...]:
    if call.kind in _COUNTED_ALONE:
        return (_COUNTED_ALONE[call.kind],)
    return _COUNTED_IN_PEOPLE.get(call.kind, ())


async def _flights(session: AsyncSession, now: datetime) -> list[Flight]:
    flights = []
    for call in await queries.calls_long_under_way(session, now - LONG):
        if call.reserved_at is not None:
            people = await _people(session, call, since=call.reserved_at)
            flights.append(Flight(call.reserved_at, tuple(_demands(call, people, call.limit_amount))))
    return flights


def _subject(app_id: str, person: UUID) -> str:
    return f"{app_id}:{person}"


def _is_of_a_member(shortage: Shortage) -> bool:
    return COUNTERS[LIMITS[shortage.key].counter].per is Per.MEMBER


def _until(shortage: Shortage) -> datetime:
    return shortage.until


def _last(short: Sequence[Shortage]) -> Shortage:
    return max(short, key=_until)


def _too_large(call: OutgoingCall, people: int, short: Sequence[Shortage]) -> Failed | None:
    """A group with more members than the whole limit would wait for ever: it fails with a sentence (P8)."""
    for shortage in short:
        if call.kind is CallKind.APPCHAT_SEND and not _is_of_a_member(shortage) and people > shortage.allowed > 0:
            return Failed(
                FailReason.LARGER_THAN_LIMIT,
                f"群里有 {people} 人，限额 {shortage.key} 一次最多 {shortage.allowed} 人次：等多久都发不出。"
                "请由管理员调高限额后重新发送",
            )
    return None


def _hold(shortage: Shortage) -> Hold:
    is_silent = COUNTERS[LIMITS[shortage.key].counter].is_silent
    return Hold(HoldReason.MEMBER_LIMIT if is_silent else HoldReason.PLATFORM_LIMIT, shortage.until, shortage.key)
