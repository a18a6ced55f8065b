"""追踪: what led to what, in one picture: callback → decision → call → answer (F118)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from app import addresses
from app.audit.actor import Actor
from app.console import words
from app.console.visiting import list_of, typed, way_to
from app.pages.route import page_router
from app.pages.visit import Visit, visits
from app.permissions import Words
from app.timeline import service as timelines
from app.timeline.service import NamedActor
from app.trace import service as traces
from app.trace.errors import TraceNotFound
from app.trace.service import Trace, TraceEntry, TraceKind
from models.audit import ObjectKind

router = page_router(addresses.CONSOLE_TRACE)

TraceVisit = Annotated[Visit, visits(addresses.CONSOLE_TRACE)]

KINDS: Final[Mapping[TraceKind, tuple[Words, str]]] = {
    TraceKind.RECEIVED: (Words("收到回调", "Callback"), "plain"),
    TraceKind.SYNCED: (Words("读取通讯录", "Sync"), "plain"),
    TraceKind.DECIDED: (Words("有人决定", "Decision"), "good"),
    TraceKind.RECORDED: (Words("发生", "Happened"), "good"),
    TraceKind.CALLED: (Words("调用企业微信", "Call"), "warn"),
    TraceKind.ANSWERED: (Words("得到答复", "Answer"), "plain"),
    TraceKind.DELIVERED: (Words("送达", "Delivered"), "plain"),
    TraceKind.WAITING: (Words("还在等待", "Waits"), "warn"),
}


@router.get("")
async def trace(visit: TraceVisit, id: str = "") -> Response:  # noqa: A002 -- in the address
    """Without an id, a field to type one into."""
    wanted = typed(id)
    found = await _found(visit, wanted) if wanted else None
    return visit.draw(
        "console/trace.html",
        wanted=wanted,
        trace=found,
        actors=await _actors(visit, found) if found else {},
        kinds=KINDS,
        links=lambda entry: _links(visit, entry),
    )


class Link(NamedTuple):
    title: Words
    address: str
    """Empty where there is no page of it, or none for this viewer."""


def _links(visit: Visit, entry: TraceEntry) -> list[Link]:
    """What it is, where that has a page, and what it was done to."""
    if entry.kind is TraceKind.DELIVERED and entry.about is not None:
        return [Link(words.object_kind(ObjectKind.DELIVERY), _recipients(visit, entry.about.id, entry.state))]
    own = Link(words.object_kind(entry.ref.kind), way_to(visit, entry.ref.kind, entry.ref.id))
    links = [own] if own.address else []
    if entry.about is not None and entry.about not in {entry.ref, entry.caused_by}:
        links.append(Link(words.object_kind(entry.about.kind), way_to(visit, entry.about.kind, entry.about.id)))
    return links


def _recipients(visit: Visit, message_id: str, state: str) -> str:
    """The list behind the number."""
    home = list_of(visit, ObjectKind.DELIVERY)
    return f"{home}?{urlencode({'message': message_id, 'state': state})}" if home else ""


async def _found(visit: Visit, wanted: str) -> Trace | None:
    try:
        return await traces.trace(visit.session, wanted, now=visit.now)
    except TraceNotFound:
        return None


async def _actors(visit: Visit, found: Trace) -> dict[str, NamedActor]:
    """By `kind:id`."""
    asked = {Actor.parse(entry.actor) for entry in found.entries if entry.actor}
    return {str(actor): named for actor, named in (await timelines.named_actors(visit.session, asked)).items()}
