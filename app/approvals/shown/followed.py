"""One request as a person reads it: its facts, its way so far, and what they may do now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries as requests
from app.approvals.context import load_context
from app.approvals.kinds import ShownFields
from app.approvals.shown.acts import Act, acts_of
from app.approvals.shown.lists import RequestLine, lines_of
from app.approvals.shown.preview import StepAhead, steps_ahead
from app.approvals.shown.timeline import TimelineEntry, timeline_of
from app.org import service as org
from app.org.service import NamedPerson
from app.policy.service import Citation
from models.ids import RequestId
from models.org import Person


@dataclass(frozen=True)
class FollowedRequest:
    line: RequestLine
    reason: str
    fields: Sequence[tuple[str, str]]
    """What approvers read, as it was on submission."""
    people: Sequence[NamedPerson]
    """Everybody whom the application names one by one."""
    clause: Citation
    objections: Sequence[str]
    """Of people whom it is about, a sentence each."""
    timeline: Sequence[TimelineEntry]
    ahead: Sequence[StepAhead]
    """What follows the open step, as the organisation is now (F146)."""
    acts: Sequence[Act]
    """Of the reader. Empty without one."""


async def follow(
    session: AsyncSession, request_id: RequestId, *, reader: Person | None = None, now: datetime
) -> FollowedRequest:
    """One request. Whether the reader may see it is for the caller to ask. Raises RequestNotFound."""
    request = await requests.get(session, request_id)
    context = await load_context(session, request)
    [line] = await lines_of(session, [request])
    listed = await org.named_people(session, context.kind.lists(context.subject))
    return FollowedRequest(
        line=line,
        reason=request.reason,
        fields=ShownFields.model_validate(request.shown).fields,
        people=sorted(listed.values(), key=lambda one: (one.department, *org.by_name(one))),
        clause=context.policy.cite(request.rule_key),
        objections=context.objections,
        timeline=await timeline_of(session, context),
        ahead=await steps_ahead(session, context, await requests.steps_of(session, request.id), now=now),
        acts=await acts_of(session, context, reader) if reader else [],
    )
