"""What the kinds of problems mean, as `/problems/…` shows them."""

from __future__ import annotations

from collections.abc import Iterator

from app.errors import DomainError
from app.web.messages import title_of
from app.web.problems import FRAMEWORK_PROBLEMS, status_of
from app.web.schemas import Explanation


def explanations() -> dict[str, Explanation]:
    """By slug: every refusal of every domain, and what the framework refuses by itself."""
    refusals = {error.slug: (error.title, status_of(error)) for error in _family(DomainError)}
    return {
        slug: Explanation(type=f"/problems/{slug}", title=title, status=status, meaning=title_of(slug))
        for slug, (title, status) in (refusals | FRAMEWORK_PROBLEMS).items()
    }


def _family(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _family(child)
