"""Who may act of all whom a document names: read once for each kind of name, as a document may name thousands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.org import queries as org
from app.org.rules import may_act
from app.policy.sections.people import Expression, ExpressionKind, RoleRule
from app.roles import queries
from models.ids import fold
from models.org import Department, Tag

Named = TypeVar("Named", Tag, Department)


@dataclass(frozen=True, slots=True)
class RollCall:
    roles: dict[str, RoleRule]
    tags: dict[str, list[Tag]]
    departments: dict[str, list[Department]]
    by_post: dict[str, set[UUID]]
    by_userid: dict[str, UUID]
    below: dict[int, set[UUID]]
    """By department, with everything below it."""
    flagged: dict[int, set[UUID]]
    """By department: whom a flag makes its leaders."""

    def able(self, expression: Expression) -> set[UUID]:
        """Those of `app.roles.service.holders` who may act."""
        name = expression.name
        match expression.kind:
            case ExpressionKind.TAG:
                return self._tagged(name)
            case ExpressionKind.POST:
                return self.by_post.get(name, set())
            case ExpressionKind.USERID:
                return self._of([name])
            case ExpressionKind.ROLE if name in self.roles:
                return self._in_role(self.roles[name])
            case _:
                return set()

    def _in_role(self, rule: RoleRule) -> set[UUID]:
        homes = [home for name in rule.departments for home in self.departments.get(name, [])]
        return self._of(rule.userids).union(
            *(self._leading(home) if rule.leaders_only else self.below.get(home.id, set()) for home in homes),
            *(self._tagged(tag) for tag in rule.tags),
            *(self.by_post.get(post, set()) for post in rule.posts),
        )

    def _tagged(self, name: str) -> set[UUID]:
        tags = self.tags.get(name, [])
        named = self._of(chain.from_iterable(tag.userids for tag in tags))
        return named.union(*(self.below.get(each, set()) for tag in tags for each in tag.department_ids))

    def _leading(self, home: Department) -> set[UUID]:
        return self._of(home.leader_userids) | self.flagged.get(home.id, set())

    def _of(self, userids: Iterable[str]) -> set[UUID]:
        return {self.by_userid[folded] for userid in userids if (folded := fold(userid)) in self.by_userid}


async def call_roll(session: AsyncSession, expressions: Collection[Expression], roles: dict[str, RoleRule]) -> RollCall:
    """For these expressions, in a handful of queries however many they are."""
    named = {kind: {one.name for one in expressions if one.kind is kind} for kind in ExpressionKind}
    meant = [roles[name] for name in named[ExpressionKind.ROLE] if name in roles]
    tags = await queries.tags_named(session, named[ExpressionKind.TAG].union(*(rule.tags for rule in meant)))
    homes = await queries.departments_named(session, chain.from_iterable(rule.departments for rule in meant))
    userids = named[ExpressionKind.USERID].union(
        *(rule.userids for rule in meant), *(tag.userids for tag in tags), *(home.leader_userids for home in homes)
    )
    people = await org.people_by_userids(session, userids)
    whole = {name for rule in meant if not rule.leaders_only for name in rule.departments}
    tops = chain((home.id for home in homes if home.name in whole), *(tag.department_ids for tag in tags))
    return RollCall(
        roles=roles,
        tags=_by_name(tags),
        departments=_by_name(homes),
        by_post=await queries.able_with_post(
            session, named[ExpressionKind.POST].union(*(rule.posts for rule in meant))
        ),
        by_userid={userid: one.id for userid, one in people.items() if may_act(one)},
        below=await queries.able_below(session, tops),
        flagged=await queries.able_with_flag(session, (home.id for home in homes)),
    )


def _by_name(rows: Iterable[Named]) -> dict[str, list[Named]]:
    found: dict[str, list[Named]] = defaultdict(list)
    for row in rows:
        found[row.name].append(row)
    return found
