"""Chinese first, English second: the switch, then what the browser asks for."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from sandbox.pages.english import ENGLISH

Language = Literal["zh", "en"]
COOKIE = "sandbox_language"
YEAR = 365 * 86_400

router = APIRouter(prefix="/language", include_in_schema=False)


@router.get("/{language}")
async def switch(language: Language, back: str = "/") -> RedirectResponse:
    """Remember the choice and go back to a page of ours, never to a foreign address."""
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\"))
    answer = RedirectResponse(back if is_ours else "/", 303)
    answer.set_cookie(COOKIE, language, max_age=YEAR, samesite="lax")
    return answer


def language_of(request: Request) -> Language:
    """The switch wins; without one, the first language that the browser names."""
    chosen = request.cookies.get(COOKIE)
    if chosen == "en":
        return "en"
    wanted = request.headers.get("accept-language", "").strip().lower()
    return "zh" if chosen == "zh" or wanted.startswith(("zh", "*")) or not wanted else "en"


def translate(language: Language, text: str, *values: object) -> str:
    """Pages are written in Chinese; `{}` takes the values. What has no English stays Chinese."""
    shown = ENGLISH.get(text, text) if language == "en" else text
    return shown.format(*values) if values else shown
