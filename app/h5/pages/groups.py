"""群: those I am in, and the directory of those I may find (1.14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.groups import service as groups
from app.groups.service import DirectorySearch
from app.pages.forms import said_to
from app.pages.route import page_router
from app.pages.tables import CursorDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission, Words
from app.policy import service as policies
from models.ids import GroupId

router = page_router("/me/groups")

GroupsVisit = Annotated[Visit, visits("/me/groups")]

LISTS: Final[Mapping[str, Words]] = {
    "mine": Words("我所在的群", "My groups"),
    "directory": Words("群目录", "Directory"),
}
DIRECTORY_RULES: Final = ("group.directory", "group.categories")
ACTS: Final[Mapping[str, Words]] = {
    "join": Words("申请加入", "Apply to join"),
    "exit": Words("申请退出", "Apply to leave"),
}


@router.get("")
async def listed(
    visit: GroupsVisit,
    cursor: CursorDep,
    list: str = "mine",  # noqa: A002 -- in the address
    q: Annotated[str, Query(max_length=64)] = "",
    type: Annotated[str, Query(max_length=64)] = "",  # noqa: A002 -- in the address
) -> Response:
    chosen = list if list in LISTS else "mine"
    if chosen == "directory":
        await visit.check_held(Permission.GROUP_FIND)
    person_id, page = visit.viewer.person.id, page_at(cursor)
    wanted = DirectorySearch(name=q, group_type=type or None)
    found = (
        await groups.find_groups(visit.session, person_id, wanted, page=page, now=visit.now)
        if chosen == "directory"
        else await groups.groups_of_member(visit.session, person_id, page=page, now=visit.now)
    )
    policy = await policies.in_force(visit.session, now=visit.now)
    return visit.draw(
        "me/groups.html",
        done=await said_to(visit),
        listed=found,
        lists=LISTS,
        chosen=chosen,
        acts=ACTS,
        wanted=wanted,
        types=policy.document.groups.types,
        clauses=[policy.cite(key) for key in DIRECTORY_RULES],
    )


@router.get("/{group_id}")
async def group(group_id: UUID, visit: GroupsVisit) -> Response:
    """Whoever may neither find it nor is in it reads that there is none."""
    seen = await groups.group_for(visit.session, GroupId(group_id), visit.viewer.person, now=visit.now)
    return visit.draw("me/group.html", done=await said_to(visit), seen=seen, acts=ACTS)
