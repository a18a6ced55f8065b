"""Which roles, tags, posts and userids one person answers to: every request of a person asks it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy.ext.asyncio import AsyncSession

from app.org import service as org
from app.org.rules import is_gone, may_act
from app.org.service import Place
from app.policy.schema import PolicyDocument
from app.policy.sections.people import Expression, ExpressionKind, RoleRule
from app.roles import queries
from models.ids import fold
from models.org import Department, Person, Tag


async def held_by(
    session: AsyncSession, person: Person, expressions: Collection[Expression], document: PolicyDocument
) -> set[Expression]:
    """Those of the expressions among whose `holders` the person is, without reading the others: in three statements,
    however many expressions there are. Whoever has left or is disabled holds none.
    """
    rules = {one: rule for one in expressions if (rule := _rule_of(one, document)) is not None}
    if is_gone(person) or not rules:
        return set()
    tags = list(chain.from_iterable(rule.tags for rule in rules.values()))
    departments = list(chain.from_iterable(rule.departments for rule in rules.values()))
    known = _Known(
        person,
        await org.place_of(session, person),
        await queries.tags_named(session, tags) if tags else [],
        await queries.departments_named(session, departments) if departments else [],
    )
    return {expression for expression, rule in rules.items() if known.answers_to(rule)}


def _rule_of(expression: Expression, document: PolicyDocument) -> RoleRule | None:
    """A tag, a post or a userid is a role with nothing else in it."""
    name = expression.name
    match expression.kind:
        case ExpressionKind.TAG:
            return RoleRule(title=name, tags=[name])
        case ExpressionKind.POST:
            return RoleRule(title=name, posts=[name])
        case ExpressionKind.USERID:
            return RoleRule(title=name, userids=[name])
        case ExpressionKind.ROLE:
            return document.roles.get(name)
        case _:
            return None


@dataclass(frozen=True)
class _Known:
    person: Person
    place: Place
    tags: Sequence[Tag]
    departments: Sequence[Department]

    def answers_to(self, rule: RoleRule) -> bool:
        return (
            (bool(self.person.position) and self.person.position in rule.posts)
            or self._is_named(rule.userids)
            or any(self._carries(tag) for tag in self.tags if tag.name in rule.tags)
            or any(self._is_of(home, rule) for home in self.departments if home.name in rule.departments)
        )

    def _is_named(self, userids: Iterable[str]) -> bool:
        return bool(self.place.userid) and self.place.userid in {str(fold(one)) for one in userids}

    def _carries(self, tag: Tag) -> bool:
        return not self.place.around.isdisjoint(tag.department_ids) or self._is_named(tag.userids)

    def _is_of(self, home: Department, rule: RoleRule) -> bool:
        if rule.leaders_only:
            return may_act(self.person) and self.place.leads(home)
        return home.id in self.place.around
