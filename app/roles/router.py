"""REST: who is meant by the roles of the policy now."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from app.policy import service as policies
from app.roles import presentation, service
from app.roles.schemas import MeantOut
from app.web.deps import NowDep, SessionDep, require
from app.web.pagination import Page, PageDep, slice_of
from app.web.problems import problems

router = APIRouter(prefix="/policy/roles", tags=["policy"], dependencies=[Depends(require("policy:read"))])


@router.get("", responses=problems(400, 503))
async def list_roles(session: SessionDep, now: NowDep, page: PageDep) -> Page[MeantOut]:
    """Every role, tag, post and userid of the version in force, and who answers to it today."""
    policy = await policies.in_force(session, now=now)
    named = list(service.named_in(policy.document))
    wanted, next_cursor = slice_of(named, policy.number, page=page)
    found = await service.who_is_meant(session, policy.document, wanted)
    return Page(items=presentation.meant(policy, found), next_cursor=next_cursor)
