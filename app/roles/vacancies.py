"""What a policy document says of roles that the organisation does not bear out: nobody holds one, or a crowd does."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.org import queries as org
from app.policy.errors import Fault
from app.policy.schema import PolicyDocument
from app.policy.sections.people import NAMED, Expression
from app.policy.service import expressions_in
from app.roles.roll_call import call_roll
from app.roles.service import whom, whom_in_english

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
        if not able:
            found.append(_unheld(expression, document, paths))
        elif len(able) > CROWD:
            found.append(_crowded(expression, document, paths, len(able)))
    return found


def _unheld(expression: Expression, document: PolicyDocument, paths: Sequence[str]) -> Fault:
    more, further = _more(paths)
    return Fault(
        paths[0],
        f"{whom(expression, document)}没有人担任{more}：遇到它的申请不予受理；请在通讯录中安排人员，或改正制度",
        f"Nobody holds {whom_in_english(expression, document)}{further}: requests that meet it are refused; seat"
        " somebody in the contacts, or change the policy",
    )


def _crowded(expression: Expression, document: PolicyDocument, paths: Sequence[str], count: int) -> Fault:
    more, further = _more(paths)
    return Fault(
        paths[0],
        f"{whom(expression, document)}由 {count} 人担任{more}：每份申请都会发给所有人；请用标签或职务限定",
        f"{count} people hold {whom_in_english(expression, document)}{further}: each request goes to all of them;"
        " narrow it by a tag or a title",
    )


def _more(paths: Sequence[str]) -> tuple[str, str]:
    further = len(paths) - 1
    return (f"（另有 {further} 处）", f" (and {further} more places)") if further else ("", "")


def _switched_off(document: PolicyDocument) -> tuple[str, ...]:
    """Where the paths of a type begin that nobody can apply for: it asks nobody."""
    return tuple(f"groups.types.{key}." for key, rule in document.groups.types.items() if not rule.enabled)
