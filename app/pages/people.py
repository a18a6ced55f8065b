"""Choosing people, departments and groups in a form: search as you type, and by a button without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.groups import service as groups
from app.groups.service import GroupLine
from app.org import queries as org
from app.org import service as people
from app.org.service import FoundDepartment, NamedPerson
from app.pages.drawing.catalogue import phrase
from app.pages.forms import Form, id_in
from app.pages.visit import Visit
from app.permissions import Sight
from models.ids import LARGEST_NUMBER, fold

FOUND = 12
"""What a search offers; what is not among it is found by more of the name."""


@dataclass(frozen=True)
class Picked:
    """A field in which people are chosen."""

    name: str
    chosen: Sequence[NamedPerson]
    found: Sequence[NamedPerson]
    wanted: str
    """What was typed into the search."""
    finds_nobody: bool
    """The search itself: whom it finds may be chosen already."""


async def chosen_people(visit: Visit, form: Form, name: str) -> Picked:
    """Who was chosen in the field so far, and whom the search of it finds besides."""
    userids = list(dict.fromkeys(form.lists.get(name, [])))
    known = await org.people_by_userids(visit.session, userids)
    ids = [known[fold(userid)].id for userid in userids if fold(userid) in known]
    named = await people.named_people(visit.session, ids)
    wanted = form.value(f"{name}_search").strip()
    within = people.seen_by(visit.sight_of_finding())
    found = await people.search_people(visit.session, wanted, within=within, limit=FOUND) if wanted else []
    return Picked(name, [named[one] for one in ids], [one for one in found if one.id not in named], wanted, not found)


@dataclass(frozen=True)
class Option:
    """A department or a group as a form offers it."""

    value: str
    title: str
    hint: str = ""


@dataclass(frozen=True)
class PickedPlaces:
    """A field in which departments or groups are chosen."""

    name: str
    chosen: Sequence[Option]
    found: Sequence[Option]
    wanted: str
    """What was typed into the search. Without anything, the first ones are offered."""
    finds_nothing: bool
    """The search itself: what it finds may be chosen already."""


async def chosen_departments(visit: Visit, form: Form, name: str, sight: Sight) -> PickedPlaces:
    """Those of the sight, by name, pinyin or initials."""
    within, wanted = people.departments_seen_by(sight), _wanted(form, name)
    ids = [int(one) for one in form.lists.get(name, []) if one.isdecimal() and int(one) <= LARGEST_NUMBER]
    chosen = await people.departments_by_id(visit.session, ids, within=within)
    if wanted:
        found = await people.search_departments(visit.session, wanted, within=within, limit=FOUND)
    else:
        found = await people.first_departments(visit.session, within=within, limit=FOUND)
    return _picked(name, wanted, [_department(one) for one in chosen], [_department(one) for one in found])


async def chosen_groups(visit: Visit, form: Form, name: str, sight: Sight) -> PickedPlaces:
    """Those of the sight that are in use, by a part of the name."""
    reader, wanted = visit.viewer.person.id, _wanted(form, name)
    ids = [one for one in map(id_in, form.lists.get(name, [])) if one is not None]
    chosen = await groups.groups_by_id(visit.session, sight, ids, reader_id=reader, now=visit.now)
    found = await groups.active_groups(visit.session, sight, wanted, reader_id=reader, limit=FOUND, now=visit.now)
    return _picked(name, wanted, [_group(visit, one) for one in chosen], [_group(visit, one) for one in found])


def _picked(name: str, wanted: str, chosen: Sequence[Option], found: Sequence[Option]) -> PickedPlaces:
    known = {one.value for one in chosen}
    return PickedPlaces(name, chosen, [one for one in found if one.value not in known], wanted, not found)


def _wanted(form: Form, name: str) -> str:
    return form.value(f"{name}_search").strip()


def _department(one: FoundDepartment) -> Option:
    return Option(str(one.id), one.name, one.above)


def _group(visit: Visit, one: GroupLine) -> Option:
    return Option(str(one.id), one.name, visit.say(phrase("{count} 人"), count=one.counts.seen))
