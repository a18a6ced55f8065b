"""启用制度: a document typed or uploaded, its faults by line, what it changes by clause, and putting it into force."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from app import addresses
from app.confirmations import service as confirmations
from app.console.visiting import company_visits
from app.dual_control import TwoPersonAct
from app.pages.drawing.catalogue import phrase
from app.pages.errors import FaultyForm
from app.pages.forms import (
    EMPTY,
    Done,
    Form,
    Outcome,
    Submission,
    SubmissionDep,
    check_seen,
    legible,
    moment_of,
    refused,
    seen_of,
)
from app.pages.route import page_router
from app.pages.visit import Visit
from app.permissions import Permission
from app.policy import queries
from app.policy import service as policies
from app.policy.service import Draft
from app.web.schemas import QueryInt

router = page_router(f"{addresses.CONSOLE_POLICY}/new")

ChangingVisit = Annotated[Visit, company_visits(addresses.CONSOLE_POLICY, Permission.POLICY_CHANGE)]

UPLOAD = "file"
SOURCE = "source"
LOOKED_AT = (SOURCE, "effective_at")
"""What is looked at before it is applied; empty, `effective_at` says: at once."""


class Wanted(BaseModel):
    """A version as somebody asks for it."""

    source: str = Field(min_length=1)
    effective_at: datetime | None = None

    def payload(self, visit: Visit) -> dict[str, Any]:
        return {"source": self.source, "effective_at": self._moment(visit)}

    def _moment(self, visit: Visit) -> str | None:
        """As the company's clocks show it."""
        return moment_of(visit, "effective_at", self.effective_at).isoformat() if self.effective_at else None


@router.get("")
async def write(visit: ChangingVisit, since: QueryInt | None = None) -> Response:
    """Begins with the version in force, or with an older one that is to come back."""
    current = await policies.in_force(visit.session, now=visit.now)
    row = await policies.version_numbered(visit.session, since if since is not None else current.number)
    return await _drawn(visit, Form({SOURCE: row.source}))


@router.post("")
async def apply(visit: ChangingVisit, submission: SubmissionDep) -> Response:
    """First what is wrong with it, or what it changes; then, with the button that says it, it comes into force."""
    submission.check(visit)
    submission = _with_file(visit, submission)
    if submission.form.faults or submission.form.value("step") != "apply":
        return await _looked_at(visit, submission.form)

    async def act() -> Done:
        given = submission.form.read(Wanted, visit)
        found = await policies.draft(visit.session, source=given.source, now=visit.now)
        check_seen(submission.form, LOOKED_AT, await _outcome(visit, found))
        wish = confirmations.Wish(TwoPersonAct.POLICY_ACTIVATE, given.payload(visit), visit.viewer.person)
        answer = await confirmations.ask_or_do(visit.session, wish, now=visit.now)
        if isinstance(answer, confirmations.Asked):
            asked = visit.say(phrase("已请另一个人确认，确认之后才启用。"))
            return Done(addresses.me_confirmation(answer.row.id), asked)
        return Done(f"{addresses.CONSOLE_POLICY}/versions", visit.say(phrase("已启用这一版制度。")))

    async def again(form: Form, status: int) -> Response:
        return await _looked_at(visit, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _outcome(visit: Visit, draft: Draft) -> Outcome:
    """What somebody agrees to is the difference that they have seen, and what it takes the place of."""
    current = await policies.in_force(visit.session, now=visit.now)
    newest = await queries.newest_version(visit.session)
    needs_two = await policies.needs_two_people(visit.session, TwoPersonAct.POLICY_ACTIVATE, now=visit.now)
    version = phrase("第 {number} 版")
    return {
        visit.say(phrase("现行的制度")): visit.say(version, number=current.number),
        visit.say(phrase("最新的一版，也许以后才生效")): visit.say(version, number=newest.number) if newest else "",
        visit.say(phrase("不同之处")): visit.say(phrase("{count} 处"), count=draft.count),
        visit.say(phrase("另一个人的确认")): visit.say(phrase("需要") if needs_two else phrase("不需要")),
    }


def _with_file(visit: Visit, submission: Submission) -> Submission:
    """A file that was uploaded stands in the place of what was typed, and is shown there."""
    given, form = submission.files.get(UPLOAD), submission.form
    faults: dict[str, str] = {}
    if given:
        try:
            text = legible(given.decode("utf-8-sig"))
        except UnicodeDecodeError:
            faults[UPLOAD] = visit.say(phrase("文件不是 UTF-8 文本，请另存为 UTF-8 后再上传。"))
        else:
            form = Form({**form.values, SOURCE: text}, form.lists)
    values = {**form.values, SOURCE: _in_lines(form.value(SOURCE))}
    return replace(submission, form=Form(values, form.lists, faults))


def _in_lines(text: str) -> str:
    """As files have them: browsers send lines as Windows ends them, and the same text is the same version."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


async def _looked_at(visit: Visit, form: Form, status: int = 200) -> Response:
    """What is wrong with the document, or what it changes."""
    found = await policies.draft(visit.session, source=form.value(SOURCE), now=visit.now)
    if not found.faults:
        try:
            form.read(Wanted, visit).payload(visit)
        except FaultyForm as refusal:
            return await _drawn(visit, await refused(visit, form, refusal), status=400)
        return await _drawn(visit, form, found, 400 if UPLOAD in form.faults else status)
    sentence = visit.say(phrase("制度文件有 {count} 处需要修改，改好之后再启用。"), count=len(found.faults))
    faults = {"": sentence, **form.faults, SOURCE: visit.say(phrase("请按上面的说明修改。"))}
    return await _drawn(visit, Form(form.values, form.lists, faults), found, 400)


async def _drawn(visit: Visit, form: Form = EMPTY, draft: Draft | None = None, status: int = 200) -> Response:
    current = await policies.in_force(visit.session, now=visit.now)
    return visit.draw(
        "console/policy_new.html",
        status=status,
        form=form,
        draft=draft,
        seen=seen_of(form, LOOKED_AT, await _outcome(visit, draft)) if draft else "",
        lines=form.value(SOURCE).split("\n"),
        current=current,
        title_of=policies.words_of,
        needs_two=await policies.needs_two_people(visit.session, TwoPersonAct.POLICY_ACTIVATE, now=visit.now),
    )
