"""What a policy document says of roles that the organisation does not bear out: nobody holds one, or a crowd does."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.org import queries as org
from app.policy.errors import Fault
from app.policy.schema import PolicyDocument
from app.policy.sections.people import NAMED, Expression
from app.policy.service import expressions_in
from app.roles.roll_call import call_roll
from app.roles.service import whom

CROWD = 20
"""More people than this get a card for each request: then none of them feels meant (policy 13)."""


async def look_at_roles(session: AsyncSession, document: PolicyDocument) -> list[Fault]:
    """One sentence for each role, tag, post or userid on which the document relies and that nobody holds who may act:
    a request that meets it is refused. And one for each that a crowd holds. The path is the first place that names it.

    Empty before anybody is known: then it is the first sync that is missing.
    """
    if not await org.anybody(session):
        return []
    places: dict[Expression, list[str]] = {}
    off = _switched_off(document)
    for path, expression in expressions_in(document):
        if expression.kind in NAMED and not path.startswith(off):
            places.setdefault(expression, []).append(path)
    roll = await call_roll(session, places.keys(), document.roles)
    found: list[Fault] = []
    for expression, paths in places.items():
        able = roll.able(expression)
        more = f"（另有 {len(paths) - 1} 处）" if len(paths) > 1 else ""
        if not able:
            sentence = (
                f"{whom(expression, document)}没有人担任{more}：遇到它的申请不予受理；请在通讯录中安排人员，或改正制度"
            )
            found.append(Fault(paths[0], sentence))
        elif len(able) > CROWD:
            sentence = (
                f"{whom(expression, document)}由 {len(able)} 人担任{more}：每份申请都会发给所有人；请用标签或职务限定"
            )
            found.append(Fault(paths[0], sentence))
    return found


def _switched_off(document: PolicyDocument) -> tuple[str, ...]:
    """Where the paths of a type begin that nobody can apply for: it asks nobody."""
    return tuple(f"groups.types.{key}." for key, rule in document.groups.types.items() if not rule.enabled)
