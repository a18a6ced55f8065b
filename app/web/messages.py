"""Problems in English, for callers whose `Accept-Language` asks for it.

The title of every problem is there, and the detail of those that no domain refuses. A domain says the rest beside its
Chinese (`DomainError.english`), as does the platform (`WecomRefused.english`); what they quote, such as names, titles
and clauses, stays in the company's language.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

DETAILS: Final = {
    "malformed": "The request is not of the form that /docs describes. Compare it and send it again.",
    "wecom-refused": "WeCom refused the call. Look the errcode up.",
    "http-400": "The body cannot be read. Send JSON in UTF-8, not nested without end, with numbers of ordinary length.",
    "http-401": "Send a living API key in the Authorization header: Bearer KEY.",
    "http-403": "You may not do this.",
    "http-404": "There is nothing at this address. Compare the path with /docs.",
    "http-405": "This address does not take this method. The header Allow names those it takes.",
    "http-413": "A request holds at most 1 MiB.",
    "database-away": "The database is away. Send the request again later, with an Idempotency-Key to do it once.",
    "wecom-unreachable": "WeCom did not answer. Try again later.",
    "unexpected": "Something unforeseen went wrong. Give the correlation_id to your operator.",
}
"""By slug: what is said where nothing more exact is known."""

_PHRASES: Final = {str(status.value): status.phrase for status in HTTPStatus}


def prefers_english(accept_language: str) -> bool:
    """Whether English stands before Chinese in an `Accept-Language`. Chinese is what everybody else gets."""
    english, chinese = _weight(accept_language, "en"), _weight(accept_language, "zh")
    return english > chinese


def title_of(slug: str) -> str:
    """Slugs are English: `already-decided` is "Already decided", and `http-404` what HTTP calls it."""
    status = slug.removeprefix("http-")
    if status != slug and status in _PHRASES:
        return _PHRASES[status]
    return slug.replace("-", " ").capitalize()


def _weight(accept_language: str, language: str) -> float:
    weights = [0.0]
    for entry in accept_language.lower().split(","):
        tag, _, parameter = entry.strip().partition(";")
        if tag.strip().partition("-")[0] == language:
            weights.append(_number(parameter.strip().removeprefix("q=")))
    return max(weights)


def _number(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0
