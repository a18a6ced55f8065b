"""通知: what was sent to me, with my receipt."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from starlette.responses import Response

from app import addresses
from app.announcements import service as announcements
from app.audit.why import About
from app.pages.drawing.catalogue import phrase
from app.pages.forms import EMPTY, Done, Form, SubmissionDep, said_to
from app.pages.route import page_router
from app.pages.tables import CursorDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission
from models.audit import ObjectKind
from models.ids import AnnouncementId

router = page_router("/me/announcements")

AnnouncementsVisit = Annotated[Visit, visits("/me/announcements")]
ConfirmingVisit = Annotated[Visit, visits("/me/announcements", Permission.ANNOUNCEMENT_CONFIRM)]

VIA: Final = "page"


@router.get("")
async def listed(visit: AnnouncementsVisit, cursor: CursorDep) -> Response:
    page = await announcements.announcements_to(
        visit.session, visit.viewer.person.id, page=page_at(cursor), now=visit.now
    )
    return visit.draw("me/announcements.html", done=await said_to(visit), listed=page)


@router.get("/{announcement_id}")
async def announcement(announcement_id: UUID, visit: AnnouncementsVisit) -> Response:
    return await _drawn(visit, announcement_id)


@router.post("/{announcement_id}/confirm")
async def confirm(announcement_id: UUID, visit: ConfirmingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        await _check(visit, announcement_id)
        await announcements.confirm(
            visit.session,
            announcement_id=AnnouncementId(announcement_id),
            person=visit.viewer.person,
            via=VIA,
            now=visit.now,
        )
        return Done(addresses.me_announcement(announcement_id), visit.say(phrase("已确认收到。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, announcement_id, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _check(visit: Visit, announcement_id: UUID) -> None:
    await visit.check(Permission.ANNOUNCEMENT_READ, About(ObjectKind.ANNOUNCEMENT, announcement_id))


async def _drawn(visit: Visit, announcement_id: UUID, form: Form = EMPTY, status: int = 200) -> Response:
    await _check(visit, announcement_id)
    followed = await announcements.follow(
        visit.session, AnnouncementId(announcement_id), reader=visit.viewer.person, now=visit.now
    )
    return visit.draw(
        "me/announcement.html",
        status=status,
        form=form,
        done=await said_to(visit),
        followed=followed,
    )
