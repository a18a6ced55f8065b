"""The acts of the domains below: a version of the policy, held losses of a sync."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import person_actor
from app.calendar import service as calendars
from app.dual_control import TwoPersonAct, TwoPersonHandler
from app.permissions import Permission, Words
from app.policy import service as policies
from app.policy.schemas import ApplyIn
from app.sync import service as sync
from app.web.schemas import AsText, Input
from models.ids import SyncRunId
from models.org import Person

# ---------------------------------------------------------------- a version of the policy


async def describe_policy(session: AsyncSession, payload: ApplyIn, *, now: datetime) -> list[tuple[str, str]]:
    document = policies.parse(payload.source)
    preview = await policies.preview(session, source=payload.source, now=now)
    changes = len(preview.changes) + preview.more_changes
    zone = calendars.timezone_of(session)
    starts = f"{payload.effective_at.astimezone(zone):%Y-%m-%d %H:%M}" if payload.effective_at else "立即"
    return [("名称", document.title), ("改动", f"{changes} 处"), ("生效", starts)]


async def activate_policy(session: AsyncSession, payload: ApplyIn, *, asker: Person, now: datetime) -> str:
    actor = person_actor(asker.id)
    row = await policies.apply(session, source=payload.source, effective_at=payload.effective_at, now=now, actor=actor)
    return str(row.id)


# ---------------------------------------------------------------- held losses


class HeldRun(Input):
    run_id: AsText[UUID]


async def describe_release(session: AsyncSession, payload: HeldRun, *, now: datetime) -> list[tuple[str, str]]:  # noqa: ARG001 -- every act is described alike
    run = await sync.held_run(session, run_id=SyncRunId(payload.run_id))
    started = run.started_at.astimezone(calendars.timezone_of(session))
    return [("同步", f"{started:%Y-%m-%d %H:%M}"), ("原因", "减少超出限额，暂缓未应用")]


async def release(session: AsyncSession, payload: HeldRun, *, asker: Person, now: datetime) -> str:
    run = await sync.release(session, run_id=SyncRunId(payload.run_id), actor=person_actor(asker.id), now=now)
    return str(run.id)


ACTS: dict[str, TwoPersonHandler] = {
    TwoPersonAct.POLICY_ACTIVATE: TwoPersonHandler(
        title=Words("启用制度", "activate a policy"),
        permission=Permission.POLICY_CHANGE,
        payload=ApplyIn,
        describe=describe_policy,
        carry_out=activate_policy,
    ),
    TwoPersonAct.SYNC_RELEASE: TwoPersonHandler(
        title=Words("放行通讯录的减少", "release held losses"),
        permission=Permission.SYNC_RELEASE,
        payload=HeldRun,
        describe=describe_release,
        carry_out=release,
    ),
}
