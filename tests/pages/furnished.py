"""The company with something in it: groups, requests, announcements and tasks, by people of different departments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import service as announcements
from app.announcements.service import AudienceWanted, Draft
from app.approvals import service as approvals
from app.approvals.service import Application
from app.audit.actor import person_actor
from tests.builders import groups, tasks
from tests.builders.groups import said_of
from tests.company import Company


@dataclass(frozen=True)
class Furniture:
    """What stands in the house."""

    group: UUID
    """Of research, owned by 王芳, with 陈晨 in it."""
    confidential: UUID
    """Of personnel, owned by 韩梅, with 孙宁 in it."""
    join: UUID
    """李军 asks to join the first."""
    to_research: UUID
    """韩梅 writes to 王芳 and 李军."""
    to_personnel: UUID
    """韩梅 writes to 孙宁."""
    task: UUID
    """王芳 gives 李军 a task."""


async def furnish(session: AsyncSession, company: Company, *, now: datetime) -> Furniture:
    wang, li, chen, han, sun = company.wang, company.li, company.chen, company.han, company.sun
    research = await groups.group(session, "研发部-新品项目", owner=wang, members=[chen], now=now)
    hidden = await groups.group(
        session, "人力资源部-薪酬调整", owner=han, members=[sun], confidentiality="confidential", now=now
    )
    application = Application(
        "join",
        li,
        {"group_id": str(research.id), **said_of("join")},
        submitted_by=person_actor(li.id),
        reason="参加新品联调",
    )
    join = await approvals.submit(session, application, now=now)
    written = []
    for people in (["wang", "li"], ["sun"]):
        draft = Draft("国庆放假安排", "10 月 1 日至 7 日放假。", "work", AudienceWanted(people=people))
        written.append(await announcements.publish(session, draft, author=han, actor=person_actor(han.id), now=now))
    task = await tasks.task(session, wang, li, now=now)
    return Furniture(research.id, hidden.id, join.id, written[0].id, written[1].id, task.id)
