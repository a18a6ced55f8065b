"""`/problems/…`: the addresses that problem documents name as their `type` answer with what they mean."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from app.errors import DomainError
from app.web.problems import FRAMEWORK_PROBLEMS, problems, status_of

router = APIRouter(tags=["problems"])


class Explanation(BaseModel):
    type: str = Field(examples=["/problems/already-decided"])
    title: str = Field(examples=["已有人处理"])
    status: int = Field(description="The status that comes with it.")
    meaning: str = Field(description="What this kind of problem is, in English.", examples=["Already decided"])


@router.get("/problems/{slug}", responses=problems(404))
async def explain_problem(slug: str) -> Explanation:
    """What a problem's `type` means. Needs no key. The `detail` of the problem itself says what to do."""
    found = explanations().get(slug)
    if found is None:
        raise HTTPException(404, "没有这种问题，请核对问题文档里的 type")
    return found


def explanations() -> dict[str, Explanation]:
    """By slug: every refusal of every domain, and what the framework refuses by itself."""
    refusals = {error.slug: (error.title, status_of(error)) for error in _family(DomainError)}
    return {
        slug: Explanation(
            type=f"/problems/{slug}", title=title, status=status, meaning=slug.replace("-", " ").capitalize()
        )
        for slug, (title, status) in (refusals | FRAMEWORK_PROBLEMS).items()
    }


def _family(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _family(child)
