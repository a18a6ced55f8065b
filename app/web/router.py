"""`/problems/…`: the addresses that problem documents name as their `type` answer with what they mean."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.exceptions import HTTPException

from app.web.presentation import explanations
from app.web.problems import problems
from app.web.schemas import Explanation

router = APIRouter(tags=["problems"])


@router.get("/problems/{slug}", responses=problems(404))
async def explain_problem(slug: str) -> Explanation:
    """What a problem's `type` means. Needs no key. The `detail` of the problem itself says what to do."""
    found = explanations().get(slug)
    if found is None:
        raise HTTPException(404, "没有这种问题，请核对问题文档里的 type")
    return found
