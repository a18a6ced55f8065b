"""The menu is set by the service, as a call of the ledger (P3), when it differs from what was set last."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.audit.actor import SYSTEM, Actor
from app.audit.why import About, Why
from app.events.service import catalogue, publish
from app.ledger import service as ledger
from app.ledger.service import CallRequest
from app.menu import queries
from app.menu.rules import SAY, menu_at
from app.wecom.message_bodies.encode import to_bytes
from app.wecom.message_bodies.menu import Menu
from models.audit import ObjectKind
from models.delivery import CallKind, CallState, OutgoingCall
from models.ids import APP

__all__ = ["SAY", "SET", "is_set", "keep_menu", "menu_at", "set_menu", "wanted"]

SET: Final = "menu.set"
"""Purpose of the call."""
ORDERING: Final = "menu"
"""The last menu that was asked for is the last that is set."""

GIVEN_UP: Final = frozenset({CallState.FAILED, CallState.UNKNOWN})


def wanted(session: AsyncSession) -> Menu | None:
    """None without PUBLIC_URL: an entry that leads nowhere is worse than none (P8)."""
    home = addresses.public_url(session)
    return menu_at(home) if home else None


async def keep_menu(session: AsyncSession, *, now: datetime) -> OutgoingCall | None:
    """At start: ask for the menu unless it is the one that was asked for last. Safe to repeat.

    What somebody has changed by hand since is left to `steward doctor`, which sees it, and `steward menu`.
    """
    menu = wanted(session)
    if menu is None:
        return None
    last = await queries.last_call(session, ORDERING)
    is_last = last is not None and last.request_body == to_bytes(menu.to_body()) and last.state not in GIVEN_UP
    return None if is_last else await set_menu(session, menu, actor=SYSTEM, now=now)


async def set_menu(session: AsyncSession, menu: Menu, *, actor: Actor, now: datetime) -> OutgoingCall:
    """Ask for this menu, which replaces the whole one that the app has."""
    request = CallRequest(
        kind=CallKind.MENU_CREATE,
        body=menu.to_body(),
        purpose=SET,
        about=About(ObjectKind.APP, APP),
        why=Why(actor),
        ordering_key=ORDERING,
    )
    return await ledger.request_call(session, request, now=now)


async def is_set(session: AsyncSession, call: OutgoingCall, now: datetime) -> None:
    """Hear the outcome of the call."""
    if call.state is CallState.DONE:
        await publish(session, catalogue.MenuSet(app_id=APP, call_id=call.id), ledger.why_of(call), now=now)
