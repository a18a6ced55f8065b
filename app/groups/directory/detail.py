"""One group as a person sees it, and what they may apply for there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries as requests
from app.approvals.service import Submission
from app.errors import DomainError
from app.groups import queries as groups
from app.groups.directory.lists import GroupLine, lines_for
from app.groups.directory.queries import is_visible
from app.groups.errors import GroupNotFound
from app.groups.requests import ExitKind, JoinKind, MembershipKind
from app.groups.schemas import MembershipSubject
from app.org.rules import contact_of
from app.policy import service as policies
from app.policy.sections.groups import Requirement
from app.policy.service import Citation, Policy
from models.approvals import Request
from models.groups import Group
from models.ids import GroupId
from models.org import Person


@dataclass(frozen=True)
class Applicable:
    """Something that a person may apply for about a group, or why not."""

    kind: str
    """`join` or `exit`."""
    takes_effect_at_once: bool
    """Nobody decides it: `join.mode` open, `exit.mode` notify or free."""
    requires: Sequence[Requirement]
    """What the application has to say, and the contact book does not."""
    clause: Citation
    pending: Request | None = None
    """Their own application that is open already."""
    why_not: str = ""
    """The sentence with which it would be refused. Empty: they may."""
    why_not_english: str = ""
    reason: str = ""
    """What the refusal is called: `already-a-member` …"""

    @property
    def is_allowed(self) -> bool:
        return not self.why_not and self.pending is None


@dataclass(frozen=True)
class GroupSeen:
    """A group, for one person."""

    line: GroupLine
    charter: str
    applicable: Sequence[Applicable]


async def group_for(session: AsyncSession, group_id: GroupId, reader: Person, *, now: datetime) -> GroupSeen:
    """A group that the reader is in, or finds in the directory. Any other raises GroupNotFound, as one that does not
    exist.
    """
    policy = await policies.in_force(session, now=now)
    group = await groups.group(session, group_id)
    if not await is_visible(session, group_id, reader.id, policy):
        raise GroupNotFound("没有登记这个群", "There is no such registered group")
    [line] = await lines_for(session, [group], reader.id, policy)
    applicable: list[Applicable] = []
    if group.group_type in policy.document.groups.types:
        applicable = [await _applicable(session, kind, group, reader, policy, now=now) for kind in _KINDS]
    return GroupSeen(line, group.charter, applicable)


_KINDS: tuple[MembershipKind[Any], ...] = (JoinKind(), ExitKind())


async def _applicable(
    session: AsyncSession, kind: MembershipKind[Any], group: Group, reader: Person, policy: Policy, *, now: datetime
) -> Applicable:
    """Asked of the kind itself, as on a submission."""
    subject = MembershipSubject(group_id=group.id, person_id=reader.id, group_type=group.group_type)
    rule = kind.rule(policy, subject)
    known = {"name": reader.name, "title": reader.position, "contact": contact_of(reader)}
    found = Applicable(
        kind=kind.name,
        takes_effect_at_once=not rule.steps,
        requires=[one for one in rule.requires if not known.get(one)],
        clause=policy.cite(kind.rule_key),
        pending=await requests.pending_about(session, kind=kind.name, subject_key=kind.subject_key(subject)),
    )
    try:
        await kind.check(session, subject, Submission(reader, policy, now))
    except DomainError as refusal:
        return replace(found, why_not=str(refusal), why_not_english=refusal.english, reason=refusal.slug)
    return found
