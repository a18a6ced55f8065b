"""Who hears what of everything that has fallen due. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.ladders.rung import Words


def heard_by_each(said: Sequence[Words]) -> dict[UUID, list[int]]:
    """For each person the words that they hear, by their place: of those about one thing the highest, the first of
    equals; and the things in the order in which they fell due.
    """
    highest: dict[UUID, dict[tuple[str, str], int]] = {}
    for place, words in enumerate(said):
        about = (words.header.about.kind, words.header.about.key)
        for person_id in words.people:
            heard = highest.setdefault(person_id, {})
            if about not in heard or words.rank > said[heard[about]].rank:
                heard[about] = place
    return {person_id: list(heard.values()) for person_id, heard in highest.items()}
