"""Whether a request is about somebody above whom nobody stands: then nobody decides it in the place of a superior."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.context import RequestContext
from app.policy.sections.people import NAMED
from app.roles import service as roles
from app.roles.service import Subject
from models.org import Person


async def top_concerned(session: AsyncSession, context: RequestContext) -> Person | None:
    """Whom the request is about, if nobody stands above them: the only head of the company, or the only one whom the
    policy's `approvals.fallback` names, as `role:president` does.
    """
    headed = await context.kind.headed_by(session, context.subject, context.requester)
    highest: list[Person] = []
    for expression in context.policy.document.approvals.fallback:
        if expression.kind in NAMED:
            highest += await roles.resolve(session, expression, Subject(), context.policy)
    is_top = await roles.stands_at_the_top(session, headed.person, highest=highest)
    return headed.person if is_top else None
