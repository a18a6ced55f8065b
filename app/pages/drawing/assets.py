"""Styles and scripts under addresses that change with their content, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER: Final = Path(__file__).parents[1] / "static"
MOUNTED: Final = "/assets"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_NOT_FOUND: Final = 404


@cache
def address_of(name: str) -> str:
    """`/assets/3f9c01ab/style.css` for `style.css`. Raises `FileNotFoundError` for a file that is not there."""
    return f"{MOUNTED}/{_fingerprint(name)}/{name}"


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


class Assets(StaticFiles):
    """The folder, each file under its fingerprint alone: an old page asks for what it was made with, or gets 404."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        fingerprint, _, name = path.partition("/")
        if not (FOLDER / name).is_file() or ".." in name or fingerprint != _fingerprint(name):
            raise HTTPException(_NOT_FOUND)
        answer = await super().get_response(name, scope)
        answer.headers["cache-control"] = _FOR_EVER
        return answer
