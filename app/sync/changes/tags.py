"""Keeps tags current: they are compared, recorded, and never emptied by one wrong answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.observability import current_correlation_id
from app.policy.schema import PolicyDocument
from app.policy.sections.org import LossBudget
from app.policy.sections.people import ExpressionKind
from app.policy.service import expressions_in
from app.sync import queries
from app.sync.changes.report import HeldTag, TagRow
from app.wecom.payloads import TagDetail, TagRef
from models.ids import fold
from models.org import OrgChange, Tag

FEW_TAGS = 100
"""Up to so many tags are all kept; of more, those which the policy names or which are known already."""


@dataclass(frozen=True)
class TagContent:
    """The members of a tag according to the platform. A department stays a department: its people are not listed."""

    id: int
    name: str
    userids: list[str]
    department_ids: list[int]

    @classmethod
    def from_detail(cls, tag_id: int, detail: TagDetail) -> TagContent:
        userids = sorted({fold(userid) for userid in detail.userids})
        return cls(tag_id, detail.name, list(map(str, userids)), sorted(set(detail.department_ids)))

    @classmethod
    def stored(cls, row: TagRow) -> TagContent:
        """As a held run keeps it for its release."""
        return cls(row.id, row.name, row.userids, row.department_ids)

    @property
    def size(self) -> int:
        return len(self.userids) + len(self.department_ids)


@dataclass
class TagOutcome:
    counts: dict[str, int] = field(default_factory=dict)
    held: list[HeldTag] = field(default_factory=list)
    """Tags that lose too many members. They are applied as they are when a person releases them."""


async def wanted_tags(session: AsyncSession, document: PolicyDocument) -> Callable[[list[TagRef]], list[int]]:
    """Which tags a run reads: all if they are few, else those that the policy names or that are known already."""
    named = _named_by(document)
    known = set(await queries.tags_by_id(session))

    def choose(refs: list[TagRef]) -> list[int]:
        few = len(refs) <= FEW_TAGS
        return [ref.id for ref in refs if few or ref.name in named or ref.id in known]

    return choose


def _named_by(document: PolicyDocument) -> set[str]:
    """By roles, and by any expression anywhere: a tag that is not read means nobody."""
    roles = {tag for role in document.roles.values() for tag in role.tags}
    return roles | {one.name for _, one in expressions_in(document) if one.kind is ExpressionKind.TAG}


async def apply_tags(
    session: AsyncSession,
    contents: list[TagContent],
    *,
    budget: LossBudget | None,
    run_id: UUID | None,
    now: datetime,
    write: bool = True,
) -> TagOutcome:
    """Write the tags that differ. Without a budget (a person released the run) none is held."""
    known = await queries.tags_by_id(session)
    outcome = TagOutcome()
    for content in contents:
        tag = known.get(content.id)
        word = _word(tag, content)
        if word is None:
            continue
        if tag is not None and budget is not None and _loses_too_much(tag, content, budget):
            outcome.held.append(_held(content, before=_size(tag)))
            continue
        outcome.counts[word] = outcome.counts.get(word, 0) + 1
        if write:
            _write(session, tag, content, word=word, run_id=run_id, now=now)
    await session.flush()
    return outcome


def _held(content: TagContent, *, before: int) -> HeldTag:
    return HeldTag(
        id=content.id,
        name=content.name,
        userids=content.userids,
        department_ids=content.department_ids,
        before=before,
    )


def _word(tag: Tag | None, content: TagContent) -> str | None:
    if tag is None:
        return "created"
    same = (tag.name, tag.userids, tag.department_ids) == (content.name, content.userids, content.department_ids)
    return None if same and tag.ended_at is None else "updated"


def _size(tag: Tag) -> int:
    return len(tag.userids) + len(tag.department_ids)


def _loses_too_much(tag: Tag, content: TagContent, budget: LossBudget) -> bool:
    """The net loss counts, so that the one member of a tag may be replaced by another."""
    return budget.is_exceeded(_size(tag) - content.size, _size(tag))


def _write(
    session: AsyncSession, tag: Tag | None, content: TagContent, *, word: str, run_id: UUID | None, now: datetime
) -> None:
    before = None
    if tag is None:
        tag = Tag(id=content.id, name=content.name, updated_at=now)
        session.add(tag)
    else:
        before = {"name": tag.name, "userids": tag.userids, "department_ids": tag.department_ids}
    tag.name, tag.userids, tag.department_ids = content.name, content.userids, content.department_ids
    tag.updated_at, tag.ended_at = now, None
    after = {"name": content.name, "userids": content.userids, "department_ids": content.department_ids}
    session.add(
        OrgChange(
            run_id=run_id,
            object_kind="tag",
            object_id=str(content.id),
            change=word,
            before=before,
            after=after,
            at=now,
            correlation_id=current_correlation_id(),
        )
    )
