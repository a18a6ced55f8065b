"""The acts of the domains below: a version of the policy, held losses of a sync."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import person_actor
from app.calendar import service as calendars
from app.dual_control import Needs, TwoPersonAct, TwoPersonHandler
from app.permissions import Permission, Words
from app.policy import service as policies
from app.policy.schemas import ApplyIn
from app.sync import service as sync
from app.sync.service import Held, HeldLosses, NamedChange, ReleaseEffect, SyncReport
from app.web.schemas import AsText, Input
from models.ids import SyncRunId
from models.org import Person

Fields = list[tuple[str, str]]

# ---------------------------------------------------------------- a version of the policy


async def describe_policy(
    session: AsyncSession,
    payload: ApplyIn,
    *,
    asker: Person,  # noqa: ARG001 -- every act is described alike
    now: datetime,
) -> list[tuple[str, str]]:
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


async def needs_of_policy(session: AsyncSession, payload: ApplyIn, *, now: datetime) -> Needs:
    """Whoever says who may do what could otherwise give themselves everything: it is a grant, by another way. What
    counts is what is in force now, and what would be when the new version begins.
    """
    newer = policies.parse(payload.source)
    # Versions older than the section have the bundles of the default document: to write that down changes nothing.
    before = policies.default_document().access
    sections: list[str] = []
    for moment in (now, payload.effective_at or now):
        current = (await policies.in_force(session, now=max(moment, now))).document
        sections += policies.about_rights(current, newer, before_access=before)
    if not sections:
        return Needs()
    named = sorted(set(sections))
    because = Words(
        f"这一版改动了 {'、'.join(named)} 部分，其中写着谁有什么权限",
        f"This version changes {' and '.join(named)}, which say who may do what",
    )
    return Needs({Permission.ACCESS_GRANT: because})


# ---------------------------------------------------------------- held losses

MOST_NAMES = 200
_GONE = {
    "left": "离职",
    "disabled": "停用",
    "invisible": "移出可见范围",
    "missing": "这次没有读到",
    "ended": "撤销",
}


class HeldRun(Input):
    run_id: AsText[UUID]


async def describe_release(
    session: AsyncSession,
    payload: HeldRun,
    *,
    asker: Person,  # noqa: ARG001 -- every act is described alike
    now: datetime,  # noqa: ARG001 -- every act is described alike
) -> list[tuple[str, str]]:
    run = await sync.held_run_to_read(session, run_id=SyncRunId(payload.run_id))
    started = run.started_at.astimezone(calendars.timezone_of(session))
    held = SyncReport.of(run).held or Held()
    return [
        ("同步", f"{started:%Y-%m-%d %H:%M}"),
        ("原因", "减少超出限额，暂缓未应用"),
        *_amounts(held.losses),
        *_named("减少的人员", [_told(one) for one in held.people]),
        *_named("减少的部门", [_told(one) for one in held.departments]),
        *_named("标签", [f"{tag.name} 从 {tag.before} 变为 {tag.after}" for tag in held.tags]),
        *_effect(held.on_release),
    ]


def _amounts(losses: HeldLosses | None) -> Fields:
    if losses is None:
        return []
    return [
        ("人员", f"{losses.people.of} 人中的 {losses.people.lost} 人"),
        ("部门", f"{losses.departments.of} 个中的 {losses.departments.lost} 个"),
        ("群成员", f"{losses.group_places.of} 个名额中的 {losses.group_places.lost} 个"),
    ]


def _effect(effect: ReleaseEffect | None) -> Fields:
    if effect is None:
        return []
    followed = f"{len(effect.departures)} 人立即按离职或停用处理，空出 {effect.group_places} 个群成员的名额"
    owners = [f"{one.group}（{one.owner}）" for one in effect.owners]
    gone = [_told(one) for one in effect.departures]
    return [("放行之后", followed), *_named("按离职处理", gone), *_named("另定群主", owners)]


def _told(one: NamedChange) -> str:
    return f"{one.name or one.id}（{_GONE.get(one.change, one.change)}）"


def _named(title: str, names: list[str]) -> Fields:
    """Nothing of nobody; of very many the first, as the page of the sync names them."""
    if not names:
        return []
    more = f" 等 {len(names)} 项" if len(names) > MOST_NAMES else ""
    return [(title, "、".join(names[:MOST_NAMES]) + more)]


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
        needs=needs_of_policy,
    ),
    TwoPersonAct.SYNC_RELEASE: TwoPersonHandler(
        title=Words("放行通讯录的减少", "release held losses"),
        permission=Permission.SYNC_RELEASE,
        payload=HeldRun,
        describe=describe_release,
        carry_out=release,
    ),
}
