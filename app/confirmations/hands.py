"""Through whose hands an act comes in: the person, the key, and whoever made the key and so knows it (F197)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import service as access
from app.audit.actor import Actor, ActorKind, person_actor
from app.confirmations import queries
from models.ids import PersonId


async def hands_of(session: AsyncSession, person_id: UUID, *, key: str | None) -> set[str]:
    """`key` is the actor of the API key that passed it on; None for a card and for a page.

    An operator is no hand: whoever has the server needs nobody's confirmation.
    """
    found = {str(person_actor(PersonId(person_id)))}
    waiting = [key] if key else []
    while waiting:
        one = waiting.pop()
        actor = Actor.parse(one)
        if one in found or actor.kind not in {ActorKind.PERSON, ActorKind.API_KEY}:
            continue
        found.add(one)
        if actor.kind is ActorKind.API_KEY:
            waiting += await access.makers_of_key(session, UUID(actor.id))
            waiting += await queries.askers_for_key(session, actor.id)
    return found
