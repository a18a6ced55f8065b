"""Somebody takes a list: who, and what they asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.web.deps import CallerDep, NowDep, SessionDep

_LONGEST: Final = 200
_MOST: Final = 30
_FORMAT: Final = "ending"
"""The part of the address that is not a filter."""


@dataclass(frozen=True)
class Taking:
    session: AsyncSession
    actor: Actor
    address: str
    """The path of the page or of the endpoint."""
    filters: Mapping[str, str]
    """All that the address says, whatever the handler makes of it."""
    now: datetime


def taking_of(request: Request, session: AsyncSession, actor: Actor, now: datetime) -> Taking:
    asked = [*request.path_params.items(), *request.query_params.multi_items()]
    filters: dict[str, str] = {}
    for name, value in asked[:_MOST]:
        if name != _FORMAT and value != "":
            before = f"{filters[_plain(name)]}, " if _plain(name) in filters else ""
            filters[_plain(name)] = _plain(f"{before}{value}")
    return Taking(session, actor, _plain(request.url.path), filters, now)


def _plain(value: object) -> str:
    """As the database takes it, and no longer than anybody types."""
    return "".join(letter for letter in str(value) if letter.isprintable())[:_LONGEST]


async def _taken_by_key(request: Request, session: SessionDep, caller: CallerDep, now: NowDep) -> Taking:
    return taking_of(request, session, caller.actor, now)


TakingDep = Annotated[Taking, Depends(_taken_by_key)]
"""Of an endpoint of REST."""
