"""Who hears what of everything that has fallen due. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.ladders.rung import Words

MOST_LINES = 20
"""In one message, as long as what is left out can be looked up."""


def lines_of(said: Sequence[Words]) -> list[str]:
    """What a common message says. What is listed elsewhere gives way, the last first; all else is said."""
    room = max(MOST_LINES - sum(not words.is_listed for words in said), 0)
    lines: list[str] = []
    for words in said:
        if words.is_listed:
            if room == 0:
                continue
            room -= 1
        lines.append(words.line)
    return lines


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
