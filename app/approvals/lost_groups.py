"""What happens to open requests about a group that somebody has dissolved: they end at once, and people are told.

Nothing waits for a decision that can have no effect. A second run finds nothing to do.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries
from app.approvals.applying.personal import forget_unless_kept
from app.approvals.context import load_context
from app.approvals.decide import take_back
from app.approvals.steps.ask import tell_requester
from app.audit.actor import SYSTEM
from models.approvals import RequestState
from models.ids import RequestId

DISSOLVED = "群已解散"


async def end_request(session: AsyncSession, *, request_id: RequestId, now: datetime) -> None:
    """Withdraw the request: the approvers' cards say why, and the applicant is told (policy 2.1)."""
    request = await queries.get_for_update(session, request_id)
    if request.state is not RequestState.PENDING:
        return
    context = await load_context(session, request)
    request.outcome_detail = DISSOLVED
    forget_unless_kept(session, request, now=now)
    await take_back(session, context, actor=SYSTEM, detail=DISSOLVED, now=now)
    await tell_requester(session, request, messages.ended(context.told, DISSOLVED), actor=SYSTEM, now=now)
