"""What waits for somebody, as REST shows it."""

from __future__ import annotations

from collections.abc import Sequence

from app.today.schemas import ColumnOut, KeptOut, PersonalDataOut, WaitingOut
from app.today.service import Kept, WaitingPage
from app.web.pagination import Page


def waiting(page: WaitingPage) -> Page[WaitingOut]:
    items = [
        WaitingOut(
            kind=one.kind,
            about=one.about.kind,
            id=one.id,
            number=one.number,
            title=one.title,
            asker=one.asker,
            asked_at=one.asked_at,
            due_at=one.due_at,
            late=one.is_late,
        )
        for one in page.items
    ]
    return Page(items=items, next_cursor=page.next_cursor)


def personal_data(userid: str, kinds: Sequence[Kept]) -> PersonalDataOut:
    return PersonalDataOut(userid=userid, kinds=[_kept(one) for one in kinds])


def _kept(one: Kept) -> KeptOut:
    return KeptOut(
        kind=one.name,
        title=one.title,
        english=one.english,
        columns=[
            ColumnOut(name=name, title=field.title or name, english=field.description or name)
            for name, field in one.columns.model_fields.items()
        ],
        rows=[row.model_dump(mode="json") for row in one.rows],
        total=one.total,
    )
