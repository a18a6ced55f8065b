"""审计: who did what to what, when and under which clause, and whether the chain of seals holds (F115)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, Final

from starlette.responses import Response

from app import addresses
from app.audit.actor import Actor, person_actor
from app.audit.sentences import SENTENCES
from app.audit.verify import Verification, verify
from app.console import words
from app.console.visiting import one_of, trace_of, typed, way_to, written
from app.org import service as org
from app.org.errors import PersonUnknown
from app.pages.route import page_router
from app.pages.tables import CursorDep, Table, page_at
from app.pages.visit import Visit, services_of, visits
from app.permissions import Words
from app.timeline import service as timelines
from app.timeline.service import Timeline

router = page_router(addresses.CONSOLE_AUDIT)

AuditVisit = Annotated[Visit, visits(addresses.CONSOLE_AUDIT)]

LONGEST: Final = timedelta(seconds=20)
"""A page does not wait for longer: a trail of millions is verified at the command line."""

ACTIONS: Final = {action: Words(said.chinese, said.english) for action, said in SENTENCES.items()}
NOTHING: Final = Timeline((), None)


@router.get("")
async def listed(
    visit: AuditVisit, cursor: CursorDep, kind: str = "", object_id: str = "", userid: str = "", action: str = ""
) -> Response:
    name, wanted = typed(userid), typed(object_id)
    actor = await _actor(visit, name) if name else None
    found = NOTHING
    if actor or not name:
        found = await timelines.trail(
            visit.session,
            object_kind=kind if kind in words.OBJECTS else None,
            object_id=wanted or None,
            actor=actor,
            action=action if action in ACTIONS else None,
            page=page_at(cursor),
        )
    filters = [
        one_of("kind", Words("对象", "Object"), words.OBJECTS, kind),
        written("object_id", Words("对象编号", "Object's id"), wanted),
        written("userid", Words("操作人账号", "Account of who acted"), name),
        one_of("action", Words("做了什么", "What was done"), ACTIONS, action),
    ]
    return visit.draw(
        "console/audit.html",
        table=Table(found.entries, found.next_cursor, filters),
        object_kind=words.object_kind,
        way=lambda about: way_to(visit, about.kind, about.id),
        trace=lambda entry: trace_of(visit, entry.correlation_id),
    )


@router.get("/verification")
async def verification(visit: AuditVisit) -> Response:
    """Walks the chain anew. It changes nothing."""
    return visit.draw("console/audit_verification.html", found=await _verified(visit))


async def _verified(visit: Visit) -> Verification | None:
    """None when it takes too long for a page."""
    try:
        async with asyncio.timeout(LONGEST.total_seconds()):
            return await verify(services_of(visit.request).sessions, now=visit.now)
    except TimeoutError:
        return None


async def _actor(visit: Visit, userid: str) -> Actor | None:
    """Whoever has the account, or had it last; None for an account of nobody."""
    try:
        person = await org.person_named_or_former(visit.session, userid)
    except PersonUnknown:
        return None
    return person_actor(person.id)
