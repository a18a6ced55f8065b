"""Which roles one person answers to: the same as who holds each role, seen from the other end (F50, D21)."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.policy.document import default_document
from app.policy.sections.people import Expression, RoleRule
from app.roles import service as roles
from models.org import Person, PersonStatus
from tests.builders.org import department, person, tag
from tests.company import HEADQUARTERS, PERSONNEL, RESEARCH, Company

LAB, OTHER_LAB, RING, RING_BELOW = 20, 21, 30, 31

ROLES = {
    "hr": RoleRule(title="人力资源", departments=["人力资源部"]),
    "lab_heads": RoleRule(title="实验室负责人", departments=["实验室"], leaders_only=True),
    "research": RoleRule(title="研发", departments=["研发部"]),
    "first_aid": RoleRule(title="急救员", tags=["急救"], posts=["护士"], userids=["ZHAO"]),
    "in_a_ring": RoleRule(title="环", departments=["环"]),
    "nobody": RoleRule(title="无人", departments=["没有的部门"], tags=["没有的标签"]),
}
EXPRESSIONS = [
    *(Expression.parse(f"role:{name}") for name in [*ROLES, "unknown"]),
    *(
        Expression.parse(text)
        for text in ("tag:急救", "tag:HR", "tag:没有", "post:护士", "userid:Chen", "department_head")
    ),
]


async def people_around(session: AsyncSession, company: Company) -> list[Person]:
    """Two laboratories of one name, one led by the list and one by a flag; a ring; tags on people and departments."""
    await department(session, LAB, "实验室", parent=RESEARCH, leaders=["Li", "gone-long-ago"])
    await department(session, OTHER_LAB, "实验室", parent=PERSONNEL)
    await department(session, RING, "环", parent=RING_BELOW)
    await department(session, RING_BELOW, "环内", parent=RING)
    fresh = [
        await person(session, "flagged", departments=[RESEARCH], leads=[OTHER_LAB]),
        await person(session, "disabled", leads=[OTHER_LAB], status=PersonStatus.DISABLED),
        await person(session, "nurse", departments=[HEADQUARTERS], position="护士"),
        await person(session, "deep", departments=[LAB, PERSONNEL]),
        await person(session, "round", departments=[RING_BELOW]),
        await person(session, "nowhere"),
    ]
    await tag(session, 5, "急救", userids=["Han"], departments=[LAB])
    return [*company.people.values(), *fresh]


async def test_it_is_the_same_from_both_ends(session: AsyncSession, company: Company) -> None:
    document = default_document().model_copy(update={"roles": ROLES})
    everybody = await people_around(session, company)
    told = set()
    for expression in EXPRESSIONS:
        holders = {one.id for one in await roles.holders(session, expression, document)}
        told |= {(str(expression), one.id) for one in everybody if one.id in holders}
    asked = {
        (str(expression), one.id)
        for one in everybody
        for expression in await roles.held_by(session, one, EXPRESSIONS, document)
    }
    assert asked == told
    named = {text for text, _ in told}
    assert named == {str(one) for one in EXPRESSIONS} - {
        "role:nobody",
        "role:unknown",
        "tag:没有",
        "department_head",
    }  # every other one is held by somebody, so that the comparison says something


async def test_who_stands_nowhere_holds_nothing(session: AsyncSession, company: Company) -> None:
    nobody = await person(session, "nowhere")
    assert await roles.held_by(session, nobody, EXPRESSIONS, company.policy.document) == set()
    assert await roles.held_by(session, company.sun, [], company.policy.document) == set()
