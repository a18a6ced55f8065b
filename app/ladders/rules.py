"""Who hears what of everything that has fallen due. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.ladders.rung import Words


def heard_by_each(said: Sequence[Words]) -> dict[UUID, list[int]]:
    """For each person the words that they hear, by their place: of those about one thing the highest, of equals each
    that says something else; and the things in the order in which they fell due.
    """
    highest: dict[UUID, dict[tuple[str, str], list[int]]] = {}
    for place, words in enumerate(said):
        about = (words.header.about.kind, words.header.about.key)
        for person_id in words.people:
            heard = highest.setdefault(person_id, {}).setdefault(about, [])
            if not heard or words.rank > said[heard[0]].rank:
                heard[:] = [place]
            elif words.rank == said[heard[0]].rank and words.line not in {said[one].line for one in heard}:
                heard.append(place)
    return {person_id: [place for heard in things.values() for place in heard] for person_id, things in highest.items()}
