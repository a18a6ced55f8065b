"""制度: each clause with how it is carried out, the versions, and what one says otherwise than another (F119)."""

from __future__ import annotations

from typing import Annotated, Final

from starlette.responses import Response

from app import addresses
from app.audit.actor import Actor
from app.console.visiting import company_visits, may
from app.pages.forms import said_to
from app.pages.route import page_router
from app.pages.tables import CursorDep, Table, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission
from app.policy import service as policies
from app.policy.service import Policy
from app.roles import service as roles
from app.timeline import service as timelines
from app.timeline.service import NamedActor
from app.web.pagination import slice_of
from app.web.schemas import QueryInt

router = page_router(addresses.CONSOLE_POLICY)

PolicyVisit = Annotated[Visit, visits(addresses.CONSOLE_POLICY)]
SourceVisit = Annotated[Visit, company_visits(addresses.CONSOLE_POLICY, Permission.POLICY_READ)]

MOST_CHANGES: Final = 500
LARGEST_NUMBER: Final = 2**31 - 1


@router.get("")
async def in_force(visit: PolicyVisit) -> Response:
    return await _document(visit, await policies.in_force(visit.session, now=visit.now), is_in_force=True)


@router.get("/roles")
async def holders(visit: SourceVisit, cursor: CursorDep) -> Response:
    """Whom the version in force means today: its roles, tags, posts and people (F50)."""
    policy = await policies.in_force(visit.session, now=visit.now)
    named = list(roles.named_in(policy.document))
    wanted, next_cursor = slice_of(named, policy.number, page=page_at(cursor))
    found = await roles.who_is_meant(visit.session, policy.document, wanted)
    return visit.draw("console/policy_roles.html", policy=policy, table=Table(found, next_cursor))


@router.get("/versions")
async def versions(visit: PolicyVisit, cursor: CursorDep) -> Response:
    page = await policies.versions_listed(visit.session, page=page_at(cursor))
    actors = {row.created_by: Actor.parse(row.created_by) for row in page.items}
    named = await timelines.named_actors(visit.session, set(actors.values()))
    makers: dict[str, NamedActor] = {stored: named[actor] for stored, actor in actors.items()}
    return visit.draw(
        "console/policy_versions.html",
        done=await said_to(visit),
        page=page,
        makers=makers,
        current=(await policies.in_force(visit.session, now=visit.now)).number,
    )


@router.get("/versions/{number}")
async def version(number: QueryInt, visit: PolicyVisit) -> Response:
    return await _document(visit, await policies.policy_numbered(visit.session, _within(number)), is_in_force=False)


@router.get("/versions/{number}/source")
async def source(number: QueryInt, visit: SourceVisit) -> Response:
    """The document as it was given."""
    row = await policies.version_numbered(visit.session, _within(number))
    return visit.draw("console/policy_source.html", version=row)


@router.get("/versions/{number}/changes")
async def changes(number: QueryInt, visit: PolicyVisit, since: QueryInt | None = None) -> Response:
    newer = _within(number)
    older = _within(since) if since is not None else max(newer - 1, 1)
    found = await policies.changes_between(visit.session, older, newer)
    return visit.draw(
        "console/policy_changes.html",
        older=older,
        newer=newer,
        changes=found[:MOST_CHANGES],
        count=len(found),
        title_of=policies.words_of,
    )


def _within(number: int) -> int:
    """A number that the database could have; every other one is of no version."""
    return number if 0 < number <= LARGEST_NUMBER else 0


async def _document(visit: Visit, policy: Policy, *, is_in_force: bool) -> Response:
    return visit.draw(
        "console/policy.html",
        done=await said_to(visit),
        policy=policy,
        clauses=policies.clauses(policy.document),
        is_in_force=is_in_force,
        may_change=may(visit, Permission.POLICY_CHANGE),
    )
