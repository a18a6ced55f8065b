"""Groups for tests: registered and, unless told otherwise, there on the platform too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.groups import rules, service
from app.policy.service import Policy
from models.approvals import Request
from models.groups import Group, GroupMember, GroupState
from models.ids import APP, GroupId, new_id
from models.installation import App
from models.org import Person, PersonUserid
from tests.builders.policy import policy_in_force
from tests.fakes.clock import MONDAY_9AM


def said_of(kind: str) -> dict[str, str]:
    """What the payload of such an application says of its person (policy 2.1), besides group and userid."""
    return {"title": "工程师", "contact": "分机 8021"} if kind == "join" else {}


async def group(
    session: AsyncSession,
    name: str = "研发部-新品项目",
    *,
    owner: Person,
    members: Sequence[Person] = (),
    deputy: Person | None = None,
    group_type: str = "project",
    state: GroupState = GroupState.ACTIVE,
    policy: Policy | None = None,
    now: datetime = MONDAY_9AM,
    **columns: Any,
) -> Group:
    """`members` besides owner and deputy. In an active group everybody has been seen."""
    policy = policy or await policy_in_force(session)
    await app(session, now=now)
    group_id, seen = new_id(), state is GroupState.ACTIVE
    row = Group(
        id=group_id,
        app_id=APP,
        chatid=rules.chatid_of(group_id),
        group_type=group_type,
        purpose=columns.pop("purpose", "日常协作"),
        desired_name=name,
        observed_name=name if seen else None,
        desired_owner_id=owner.id,
        observed_owner_userid=await _userid(session, owner) if seen else None,
        deputy_id=deputy.id if deputy else None,
        charter=columns.pop("charter", "群规"),
        state=state,
        policy_version_id=policy.id,
        rule_key="group.create",
        correlation_id="test",
        registered_at=now,
        created_at=now if seen else None,
        observed_at=now if seen else None,
        updated_at=now,
        **columns,
    )
    session.add(row)
    await session.flush()
    everybody = {one.id: one for one in [owner, *([deputy] if deputy else []), *members]}
    for one in everybody.values():
        session.add(
            GroupMember(
                group_id=row.id,
                person_id=one.id,
                observed=seen,
                reason="creation",
                desired_since=now,
                first_seen_at=now if seen else None,
            )
        )
        await session.flush()
    return row


async def owner_is_asked(session: AsyncSession, group: Group, named: Person, *, now: datetime = MONDAY_9AM) -> Request:
    """An administrator names another owner: the request by which they are asked."""
    facts: dict[str, Any] = {"owner": named, "deputy": None, "reason": "轮换", "actor": SYSTEM, "now": now}
    await service.change_owner(session, group_id=GroupId(group.id), **facts)
    return (await session.scalars(select(Request).where(col(Request.group_id) == group.id))).one()


async def app(session: AsyncSession, *, agent_id: int = 1_000_002, now: datetime = MONDAY_9AM) -> None:
    """The app that the ledger sends from and that groups belong to."""
    if await session.get(App, APP) is None:
        session.add(App(id=APP, agent_id=agent_id, name="企微管家", created_at=now))
        await session.flush()


async def _userid(session: AsyncSession, person: Person) -> str:
    return (
        await session.scalars(select(col(PersonUserid.userid)).where(col(PersonUserid.person_id) == person.id))
    ).one()
