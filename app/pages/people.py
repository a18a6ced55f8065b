"""Choosing people in a form: search as you type, and by a button without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.org import queries as org
from app.org import service as people
from app.org.service import NamedPerson
from app.pages.forms import Form
from app.pages.visit import Visit
from models.ids import fold

FOUND = 12
"""People whom a search offers; who is not among them types more of the name."""


@dataclass(frozen=True)
class Picked:
    """A field in which people are chosen."""

    name: str
    chosen: Sequence[NamedPerson]
    found: Sequence[NamedPerson]
    wanted: str
    """What was typed into the search."""


async def chosen_people(visit: Visit, form: Form, name: str) -> Picked:
    """Who was chosen in the field so far, and whom the search of it finds besides."""
    userids = list(dict.fromkeys(form.lists.get(name, [])))
    known = await org.people_by_userids(visit.session, userids)
    ids = [known[fold(userid)].id for userid in userids if fold(userid) in known]
    named = await people.named_people(visit.session, ids)
    wanted = form.value(f"{name}_search").strip()
    within = people.seen_by(visit.sight_of_finding())
    found = await people.search_people(visit.session, wanted, within=within, limit=FOUND) if wanted else []
    return Picked(name, [named[one] for one in ids], [one for one in found if one.id not in named], wanted)
