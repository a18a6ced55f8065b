"""A timeline as REST shows it."""

from __future__ import annotations

from app.timeline.schemas import ActorOut, EntryOut
from app.timeline.service import Entry, NamedActor, Timeline
from app.web.pagination import Page
from app.web.schemas import ClauseOut


def page(found: Timeline) -> Page[EntryOut]:
    return Page(items=[_entry(one) for one in found.entries], next_cursor=found.next_cursor)


def _entry(one: Entry) -> EntryOut:
    return EntryOut(
        id=one.id,
        at=one.at,
        action=one.action,
        what=one.chinese,
        what_en=one.english,
        object_kind=one.about.kind,
        object_id=one.about.key,
        actor=_actor(one.actor),
        recorded_by=_actor(one.recorded_by) if one.recorded_by else None,
        on_behalf_of=_actor(one.on_behalf_of) if one.on_behalf_of else None,
        clause=ClauseOut.of(one.clause) if one.clause else None,
        correlation_id=one.correlation_id,
        sealed=one.is_sealed,
    )


def _actor(one: NamedActor) -> ActorOut:
    userid = one.person.userid if one.person else None
    return ActorOut(kind=one.kind, id=one.id, name=one.chinese, name_en=one.english, userid=userid)
