"""双人确认: an act that somebody else has asked for, and that I may confirm or refuse (F197)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel
from starlette.responses import Response

from app import addresses
from app.confirmations import service as confirmations
from app.confirmations.service import Answer
from app.dual_control import TwoPersonAct
from app.pages.drawing.catalogue import phrase
from app.pages.drawing.messages import in_english, row_in_english
from app.pages.errors import NoSuchPage
from app.pages.forms import EMPTY, Done, Form, Outcome, SubmissionDep, check_seen, said_to, seen_of
from app.pages.route import page_router
from app.pages.tables import CursorDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Words
from app.policy import service as policies
from app.policy.service import Draft
from app.web.schemas import Remark
from models.confirmations import ConfirmationState

router = page_router("/me/confirmations")

ConfirmationVisit = Annotated[Visit, visits("/me/confirmations")]

VIA: Final = "page"

STATES: Final[Mapping[ConfirmationState, tuple[Words, str]]] = {
    ConfirmationState.ASKED: (Words("等另一人确认", "waits for another person"), "warn"),
    ConfirmationState.CONFIRMED: (Words("已确认并执行", "confirmed and carried out"), "good"),
    ConfirmationState.REFUSED: (Words("没有同意", "refused"), "bad"),
    ConfirmationState.WITHDRAWN: (Words("已撤回", "withdrawn"), "plain"),
    ConfirmationState.EXPIRED: (Words("已过期", "expired"), "plain"),
}


class Said(BaseModel):
    """What somebody answers, and what they had before their eyes."""

    digest: str = ""
    comment: Remark = ""


class Word(StrEnum):
    """What the button says."""

    CONFIRM = "confirm"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


@router.get("")
async def listed(visit: ConfirmationVisit, cursor: CursorDep) -> Response:
    page = await confirmations.concerning(visit.session, visit.viewer.person.id, page=page_at(cursor), now=visit.now)
    return visit.draw("me/confirmations.html", done=await said_to(visit), listed=page, states=STATES)


@router.get("/{confirmation_id}")
async def confirmation(confirmation_id: UUID, visit: ConfirmationVisit) -> Response:
    return await _drawn(visit, confirmation_id)


@router.post("/{confirmation_id}/{word}")
async def answer(confirmation_id: UUID, word: str, visit: ConfirmationVisit, submission: SubmissionDep) -> Response:
    submission.check(visit)
    said = _known(word)

    async def act() -> Done:
        look = await _look(visit, confirmation_id)
        given = submission.form.read(Said, visit)
        heard = Answer(visit.viewer.person, VIA, given.comment, seen=given.digest)
        if said is not Word.WITHDRAW and look.may_answer:
            check_seen(submission.form, (), await _outcome(visit, look))
        match said:
            case Word.CONFIRM:
                await confirmations.confirm(visit.session, confirmation_id, heard, now=visit.now)
            case Word.WITHDRAW:
                await confirmations.withdraw(visit.session, confirmation_id, heard, now=visit.now)
            case Word.REFUSE:
                await confirmations.refuse(visit.session, confirmation_id, heard, now=visit.now)
        return Done(addresses.me_confirmation(confirmation_id), visit.say(phrase("已记录。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, confirmation_id, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _outcome(visit: Visit, look: confirmations.Look) -> Outcome:
    """What who answers has before their eyes: what it would do now, and of a policy what it takes the place of."""
    said = dict(look.fields)
    if visit.reader.reads_english:
        said = {in_english(name): row_in_english(value, name) for name, value in look.fields}
    if look.row.act == TwoPersonAct.POLICY_ACTIVATE:
        current = await policies.in_force(visit.session, now=visit.now)
        said[visit.say(phrase("现行的制度"))] = visit.say(phrase("第 {number} 版"), number=current.number)
    return said


def _known(word: str) -> Word:
    try:
        return Word(word)
    except ValueError:
        raise NoSuchPage("没有这个页面", "There is no such page") from None


async def _look(visit: Visit, confirmation_id: UUID) -> confirmations.Look:
    return await confirmations.look(visit.session, confirmation_id, reader=visit.viewer.person, now=visit.now)


async def _drawn(visit: Visit, confirmation_id: UUID, form: Form = EMPTY, status: int = 200) -> Response:
    look = await _look(visit, confirmation_id)
    return visit.draw(
        "me/confirmation.html",
        status=status,
        form=form,
        done=await said_to(visit),
        look=look,
        seen=seen_of(form, (), await _outcome(visit, look)),
        states=STATES,
        draft=await _draft(visit, look),
        title_of=policies.words_of,
    )


async def _draft(visit: Visit, look: confirmations.Look) -> Draft | None:
    """What the version changes, as its asker has seen it; once it is answered, nothing is left to compare."""
    if look.row.act != TwoPersonAct.POLICY_ACTIVATE or look.row.state is not ConfirmationState.ASKED:
        return None
    return await policies.draft(visit.session, source=look.row.payload["source"], now=visit.now)
