"""发送: whom messages have reached, and sending again what has not arrived, after a look at what that would be."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel
from starlette.responses import Response

from app import addresses
from app.console import previews, words
from app.console.visiting import (
    NumberInPath,
    actor_of,
    chosen,
    may,
    one_of,
    plain,
    trace_of,
    typed,
    way_to,
    written,
)
from app.delivery import service as delivery
from app.delivery.service import Ended, Selection
from app.pages import messages
from app.pages.drawing.catalogue import phrase
from app.pages.drawing.words import DELIVERY_STATES
from app.pages.forms import EMPTY, Done, Form, Preview, SubmissionDep, said_to
from app.pages.route import page_router
from app.pages.tables import CursorDep, Table, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission, Words
from models.delivery import DeliveryState

router = page_router(addresses.CONSOLE_DELIVERIES)

DeliveriesVisit = Annotated[Visit, visits(addresses.CONSOLE_DELIVERIES)]
RetryingVisit = Annotated[Visit, visits(addresses.CONSOLE_DELIVERIES, Permission.DELIVERY_RETRY)]

ENDED: Final = {Ended.FAILED: Words("没有送达", "failed"), Ended.UNKNOWN: Words("是否送达不明", "unknown")}


class Chosen(BaseModel):
    """What is to be sent again."""

    state: Ended = Ended.FAILED
    purpose: str = ""

    def selection(self) -> Selection:
        return Selection(state=self.state, purpose=typed(self.purpose) or None)


@router.get("")
async def listed(
    visit: DeliveriesVisit, cursor: CursorDep, state: str = "", userid: str = "", message: UUID | None = None
) -> Response:
    wanted, name = chosen(DeliveryState, state), typed(userid)
    found = await delivery.deliveries_listed(
        visit.session, state=wanted, userid=name or None, message_id=message, page=page_at(cursor)
    )
    filters = [
        one_of("state", Words("状态", "State"), plain(DELIVERY_STATES), wanted or ""),
        written("userid", Words("收件人账号", "Recipient's account"), name),
        written("message", Words("消息编号", "Message id"), str(message or "")),
    ]
    return visit.draw(
        "console/deliveries.html",
        done=await said_to(visit),
        table=Table(found.items, found.next_cursor, filters),
        may_retry=may(visit, Permission.DELIVERY_RETRY),
        **_words(),
    )


@router.get("/retry")
async def preview(visit: RetryingVisit, state: str = "", purpose: str = "") -> Response:
    """What a selection holds, before anything of it is sent again."""
    return await _previewed(visit, Chosen(state=chosen(Ended, state) or Ended.FAILED, purpose=purpose))


@router.post("/retry")
async def retry_selected(visit: RetryingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        given = submission.form.read(Chosen, visit)
        found = await delivery.retry_selected(visit.session, given.selection(), actor=actor_of(visit), now=visit.now)
        told = visit.say(
            phrase("已安排重新发送 {count} 项，略过 {passed} 项。"), count=found.retried, passed=found.passed_over
        )
        return Done(addresses.CONSOLE_DELIVERIES, told)

    async def again(form: Form, status: int) -> Response:
        state = chosen(Ended, form.value("state")) or Ended.FAILED
        return await _previewed(visit, Chosen(state=state, purpose=form.value("purpose")), form, status)

    async def foresee() -> Preview:
        return await previews.of_resending(visit, submission.form.read(Chosen, visit).selection())

    return await submission.carry_out(visit, act, again=again, foresee=foresee)


@router.get("/{delivery_id}")
async def one(delivery_id: NumberInPath, visit: DeliveriesVisit) -> Response:
    return await _drawn(visit, delivery_id)


@router.post("/{delivery_id}/retry")
async def retry(delivery_id: NumberInPath, visit: RetryingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        await delivery.retry_delivery(visit.session, delivery_id=delivery_id, actor=actor_of(visit), now=visit.now)
        return Done(addresses.console_delivery(delivery_id), visit.say(phrase("已安排重新发送。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, delivery_id, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _previewed(visit: Visit, wanted: Chosen, form: Form = EMPTY, status: int = 200) -> Response:
    purpose = typed(wanted.purpose)
    filters = [
        one_of("state", Words("状态", "State"), ENDED, wanted.state),
        one_of("purpose", Words("用途", "Purpose"), messages.purposes(purpose), purpose),
    ]
    return visit.draw(
        "console/deliveries_retry.html",
        status=status,
        form=form,
        table=Table((), None, filters),
        wanted=wanted,
        found=await delivery.preview(visit.session, wanted.selection()),
        preview=await previews.of_resending(visit, wanted.selection()),
        **_words(),
    )


async def _drawn(visit: Visit, delivery_id: int, form: Form = EMPTY, status: int = 200) -> Response:
    line = await delivery.delivery_line(visit.session, delivery_id)
    audience, counts = await delivery.summarize(visit.session, message_id=line.message_id)
    return visit.draw(
        "console/delivery.html",
        status=status,
        form=form,
        done=await said_to(visit),
        line=line,
        audience=audience,
        counts=counts,
        origin=way_to(visit, line.origin_kind, line.origin_id),
        call=way_to(visit, "outgoing_call", line.call_id) if line.call_id else "",
        trace=trace_of(visit, line.correlation_id),
        may_retry=may(visit, Permission.DELIVERY_RETRY) and line.state in {DeliveryState.FAILED, DeliveryState.UNKNOWN},
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {
        "states": DELIVERY_STATES,
        "reason": messages.reason,
        "purpose": messages.purpose,
        "object_kind": words.object_kind,
    }
