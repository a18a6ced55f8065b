"""回调: what the platform has told us, field by field, and having it handled again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from starlette.responses import Response

from app import addresses
from app.audit.why import About
from app.console.visiting import (
    NumberInPath,
    actor_of,
    chosen,
    may,
    one_of,
    plain,
    trace_of,
    typed,
    written,
)
from app.inbox import service as inbox
from app.pages.drawing.catalogue import phrase
from app.pages.forms import EMPTY, Done, Form, SubmissionDep, said_to
from app.pages.route import page_router
from app.pages.tables import CursorDep, Table, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission, Words
from app.timeline import service as timelines
from models.audit import ObjectKind
from models.ids import EventId
from models.inbox import EventState

router = page_router(addresses.CONSOLE_CALLBACKS)

CallbacksVisit = Annotated[Visit, visits(addresses.CONSOLE_CALLBACKS)]
ReplayingVisit = Annotated[Visit, visits(addresses.CONSOLE_CALLBACKS, Permission.CALLBACK_REPLAY)]

STATES: Final[Mapping[EventState, tuple[Words, str]]] = {
    EventState.PENDING: (Words("等待处理", "waits"), "warn"),
    EventState.RUNNING: (Words("正在处理", "being handled"), "plain"),
    EventState.DONE: (Words("已处理", "handled"), "good"),
    EventState.PARKED: (Words("多次失败，等待人工", "failed, waits for a person"), "bad"),
    EventState.UNKNOWN: (Words("类型未知，已保存", "of an unknown type, kept"), "warn"),
    EventState.IGNORED: (Words("无需处理", "needs nothing"), "plain"),
}

MOST_TROUBLES: Final = 20


@router.get("")
async def listed(
    visit: CallbacksVisit, cursor: CursorDep, state: str = "", event_type: str = "", subject: str = ""
) -> Response:
    wanted = chosen(EventState, state)
    found = await inbox.events_listed(
        visit.session,
        state=wanted,
        event_type=typed(event_type) or None,
        subject=typed(subject) or None,
        page=page_at(cursor),
    )
    filters = [
        one_of("state", Words("状态", "State"), plain(STATES), wanted or ""),
        one_of("event_type", Words("类型", "Type"), _offered(typed(event_type)), typed(event_type)),
        written("subject", Words("关于", "About"), typed(subject)),
    ]
    return visit.draw(
        "console/callbacks.html",
        done=await said_to(visit),
        table=Table(found.items, found.next_cursor, filters),
        troubles=await inbox.troubles(visit.session, most=MOST_TROUBLES),
        explain=inbox.refusal_in_words,
        states=STATES,
        event_kind=inbox.event_kind,
        error=inbox.error_in_words,
    )


def _offered(event_type: str) -> Mapping[str, Words]:
    """What a link asked for stays chosen, also where it is none of the usual ones."""
    return inbox.EVENTS if not event_type else {event_type: Words(event_type, event_type), **inbox.EVENTS}


@router.get("/{event_id}")
async def one(event_id: NumberInPath, visit: CallbacksVisit) -> Response:
    return await _drawn(visit, event_id)


@router.post("/{event_id}/replay")
async def replay(event_id: NumberInPath, visit: ReplayingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        await inbox.replay(visit.session, event_id=EventId(event_id), actor=actor_of(visit), now=visit.now)
        return Done(addresses.console_callback(event_id), visit.say(phrase("已安排重新处理。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, event_id, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _drawn(visit: Visit, event_id: int, form: Form = EMPTY, status: int = 200) -> Response:
    found = await inbox.examine(visit.session, event_id=EventId(event_id))
    event = found.event
    about = About(ObjectKind.RECEIVED_EVENT, event_id)
    is_over = event.state not in {EventState.PENDING, EventState.RUNNING}
    return visit.draw(
        "console/callback.html",
        status=status,
        form=form,
        done=await said_to(visit),
        found=found,
        event=event,
        timeline=await timelines.timeline(visit.session, about),
        states=STATES,
        event_kind=inbox.event_kind,
        error=inbox.error_in_words,
        trace=trace_of(visit, event.correlation_id),
        may_replay=may(visit, Permission.CALLBACK_REPLAY) and is_over and event.body is not None,
    )
