"""Forms: checked, read into a schema with a fault at each field, and carried out once (Post/Redirect/Get)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NamedTuple, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from app import addresses
from app.audit.why import About
from app.errors import DomainError
from app.pages.drawing.catalogue import phrase
from app.pages.errors import FaultyForm, ForeignForm, NotAsSeen
from app.pages.security import check_form, is_control
from app.pages.visit import SAID, Visit
from app.permissions import Permission
from app.quotes import filled
from app.web.problems import faults_of, status_of
from models.access import SubmittedForm
from models.audit import ObjectKind

Schema = TypeVar("Schema", bound=BaseModel)

TOKEN = "form_token"  # noqa: S105 -- the name of a field
ID = "form_id"
SEEN = "seen"
"""What somebody has seen before they press: the digest of the fields it was of, and what was found then."""

SHOWN = "shown"
"""Of an act that is shown before it is done: the digest of the preview."""

Outcome = Mapping[str, str]
"""What a page has found and shows, as its reader reads it: 收件人 → 12 人."""
OTHERWISE_CALLED: Final[Mapping[str, str]] = {
    "act_as_departments": "departments",
    "audience": "departments",
    "class": "message_class",
    "ends_at": "until",
    "expires_at": "ends_on",
}
"""Members of bodies, and the fields of forms in which people say them."""
LONGEST = 300
"""Of what was found before, as a sentence repeats it."""


MOST_NAMES: Final = 30
"""Of those whom an act concerns, so many are named; the page they come from lists everybody."""


class Done(NamedTuple):
    """What became of a form: where its sender goes, and what they read there."""

    location: str
    said: str = ""


@dataclass(frozen=True)
class Preview:
    """What an act will do and to whom, for an act that cannot be taken back: its sender sees this before it is done.

    Every text is in the reader's language. When the act comes, all of it must still be so except the hints: what
    changes from one minute to the next, as a number of requests does, is one.
    """

    title: str
    button: str
    back: str
    """The address of the page that it belongs to."""
    facts: Mapping[str, str] = field(default_factory=dict)
    effects: Sequence[str] = ()
    """A sentence each."""
    names: Sequence[str] = ()
    """Whom it concerns."""
    hints: Sequence[str] = ()

    @property
    def digest(self) -> str:
        return _digest([self.title, self.button, dict(self.facts), list(self.effects), list(self.names)])


class Unseen(Exception):
    """The sender of a form has not seen what it would do now."""

    def __init__(self, preview: Preview) -> None:
        super().__init__(preview.title)
        self.preview = preview


@dataclass
class Form:
    """What was typed, as it came: what is faulty is shown again with it."""

    values: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, list[str]] = field(default_factory=dict)
    """Of fields that may be sent several times: checkboxes, chosen people."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """By the name of the field; "" for the form as a whole."""
    request: str = ""
    """The address of the application of which the sentence speaks, where its reader may open it."""

    def value(self, name: str, otherwise: object = "") -> str:
        return self.values.get(name, str(otherwise))

    def fault(self, name: str) -> str:
        return self.faults.get(name, "")

    def read(self, schema: type[Schema], visit: Visit, **given: Any) -> Schema:
        """What was typed, as a value. Raises `FaultyForm` with the fault of each field. Empty fields are left out."""
        fields = {name for name, kind in schema.model_fields.items() if _is_list(kind.annotation)}
        typed: dict[str, Any] = {name: self.values[name] for name in schema.model_fields if self.values.get(name)}
        typed |= {name: [one for one in self.lists.get(name, []) if one] for name in fields}
        try:
            return schema.model_validate(typed | given, strict=False)
        except ValidationError as error:
            told = faults_of(error.errors(), in_english=visit.reader.reads_english)
            faults = {fault["where"].partition(".")[0]: fault["what"] for fault in reversed(told)}
            raise FaultyForm("请检查标出的内容", "Please look at the fields that are marked", faults=faults) from None


@contextmanager
def at_fields(visit: Visit, fields: Mapping[type[DomainError], str]) -> Iterator[None]:
    """What the domain refuses in here stands at the field of its kind."""
    try:
        yield
    except tuple(fields) as refusal:
        name = next(name for kind, name in fields.items() if isinstance(refusal, kind))
        said = {name: _sentence(visit, refusal)}
        raise FaultyForm("请检查标出的内容", "Please look at the fields that are marked", faults=said) from refusal


async def refused(visit: Visit, form: Form, error: DomainError) -> Form:
    """The form once more, with why it was refused: at its fields, where the refusal names them; and with the way to
    the application that it names.
    """
    return replace(_refused(visit, form, error), request=await _request_named(visit, error))


async def _request_named(visit: Visit, error: DomainError) -> str:
    request_id = id_in(str(error.facts.get("request_id", "")))
    if request_id is None or not await visit.may(Permission.REQUEST_READ, About(ObjectKind.REQUEST, request_id)):
        return ""
    own = visit.page.face == "me"
    return addresses.me_request(request_id) if own else addresses.console_request(request_id)


def _refused(visit: Visit, form: Form, error: DomainError) -> Form:
    facts = error.english_facts if visit.reader.reads_english else error.facts
    faults = facts.get("faults", {})
    if isinstance(error, FaultyForm):
        return Form(form.values, form.lists, {"": _sentence(visit, error), **faults})
    placed = {_field_of(one["where"]): one["what"] for one in reversed(faults) if "where" in one}
    if not placed:
        return Form(form.values, form.lists, {"": _sentence(visit, error)})
    if not error.names_members:
        return Form(form.values, form.lists, {"": _sentence(visit, error), **placed})
    # What was not sent may be boxes that nobody has ticked, or no field at all: then the sentence says it as well.
    unsent = [what for name, what in placed.items() if name not in form.values and name not in form.lists]
    said = " ".join([visit.say(phrase("请检查标出的内容")), *unsent])
    return Form(form.values, form.lists, {"": said, **placed})


def _field_of(where: str) -> str:
    """`payload.members.0` is what the field `members` says."""
    name = where.removeprefix("payload.").partition(".")[0]
    return OTHERWISE_CALLED.get(name, name)


def seen_of(form: Form, names: Iterable[str], outcome: Outcome) -> str:
    """What a page says that shows what will happen, in short: it is sent along with the button."""
    return json.dumps({"typed": _digest_of(form, names), "outcome": outcome}, ensure_ascii=False, sort_keys=True)


def _digest_of(form: Form, names: Iterable[str]) -> str:
    return _digest({name: sorted(_texts(form, name)) for name in names})


def _digest(said: Any) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _texts(form: Form, name: str) -> list[str]:
    """As browsers send them again: lines end in their own way, and the edges of a text may be lost."""
    several = form.lists.get(name, [])
    texts = several if len(several) > 1 else [form.value(name) or "".join(several)]
    return [text.replace("\r\n", "\n").strip() for text in texts if text.strip()]


def check_seen(form: Form, names: Iterable[str], outcome: Outcome) -> None:
    """Whether what would happen now is what its sender has seen: otherwise they look again first. Raises `NotAsSeen`.

    Asked inside of the act: who presses twice has done it once, and is not told that it has changed since.
    """
    typed, before = _seen_in(form)
    if not typed:
        raise NotAsSeen(
            "请先看过会怎样，再确认一次。还没有办理。",
            "Look at what will happen first, then press again. Nothing is done yet.",
        )
    if typed != _digest_of(form, names):
        raise NotAsSeen(
            "内容在预览之后改过，请看过现在会怎样，再确认一次。还没有办理。",
            "It was changed after the preview. Look at what will happen now, then press again. Nothing is done yet.",
        )
    if before != dict(outcome):
        raise NotAsSeen(
            f"您看过之后情况变了：{'；'.join(_changes(before, outcome, '“{was}”变为“{now}”'))}。"
            "请看过现在会怎样，再确认一次。还没有办理。",
            f"It has changed since you looked: {'; '.join(_changes(before, outcome, '“{was}” is now “{now}”'))}. "
            "Look at what will happen now, then press again. Nothing is done yet.",
        )


def _seen_in(form: Form) -> tuple[str, dict[str, str]]:
    """Nothing of what no page of ours has written."""
    try:
        seen = json.loads(form.value(SEEN))
        return str(seen["typed"]), {str(name): str(value) for name, value in seen["outcome"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return "", {}


def _changes(before: Outcome, after: Outcome, wording: str) -> list[str]:
    names = [*after, *(name for name in before if name not in after)]
    pairs = [(name, before.get(name) or "—", after.get(name) or "—") for name in names]
    return [f"{name} {filled(wording, was=_short(was), now=_short(now))}" for name, was, now in pairs if was != now]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def moment_of(visit: Visit, name: str, typed: datetime) -> datetime:
    """What a field says as the company's clocks show it."""
    try:
        return typed.replace(tzinfo=visit.reader.zone).astimezone(UTC)
    except (OverflowError, ValueError):
        said = visit.say(phrase("时间超出范围"))
        raise FaultyForm("时间超出范围", "The time is out of range", faults={name: said}) from None


def _sentence(visit: Visit, error: DomainError) -> str:
    return error.english if visit.reader.reads_english else str(error)


def _is_list(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is list


Act = Callable[[], Awaitable[Done]]
Again = Callable[[Form, int], Awaitable[Response]]
"""Draws the page once more, with what was typed and what is wrong with it."""
Foresee = Callable[[], Awaitable[Preview | None]]
"""What the act would do now; None when it does nothing that needs a look before."""


@dataclass(frozen=True)
class Submission:
    """A form that came in."""

    form: Form
    id: UUID | None
    token: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What was uploaded, by the name of the field; a field that was left empty is not among them."""

    def check(self, visit: Visit) -> None:
        """Raises `ForeignForm` unless it was sent from a page of ours. For handlers that draw and change nothing."""
        check_form(visit.request, visit.settings, secret=visit.viewer.token, given=self.token)

    async def carry_out(self, visit: Visit, act: Act, *, again: Again, foresee: Foresee | None = None) -> Response:
        """Do what the form asks, once however often it is sent, and send the browser on.

        What the domain refuses stands above the form, with everything that was typed; nothing of it is kept. With
        `foresee`, nothing is done until its sender has seen what will happen.
        """
        self.check(visit)
        if "hx-request" in visit.request.headers:
            # Scripts look ahead and look for people: what acts is a button that somebody has pressed.
            raise ForeignForm("请用页面上的按钮提交", "Use the button on the page")
        try:
            async with visit.session.begin_nested():
                done = await self._done_before(visit)
                if done is None:
                    done = await _do(act, unseen=await self._unseen(foresee))
                    await self._remember(visit, done)
        except Unseen as shown:
            return self._shown(visit, shown.preview)
        except DomainError as error:
            return await again(await refused(visit, self.form, error), status_of(type(error)))
        return visit.go(_with_said(done, self.id))

    async def _unseen(self, foresee: Foresee | None) -> Preview | None:
        preview = await foresee() if foresee is not None else None
        return preview if preview is not None and self.form.value(SHOWN) != preview.digest else None

    def _shown(self, visit: Visit, preview: Preview) -> Response:
        """What will happen, with a button that says so. It sends everything that was typed once more."""
        typed = {name: values for name, values in self.form.lists.items() if name not in {TOKEN, ID, SHOWN}}
        is_changed = bool(self.form.value(SHOWN))
        context: dict[str, Any] = {"typed": typed, "is_changed": is_changed, "most_names": MOST_NAMES}
        return visit.draw("preview.html", preview=preview, **context)

    async def _done_before(self, visit: Visit) -> Done | None:
        """The row is ours, or somebody was faster: then this waits for what they did."""
        if self.id is None:
            raise FaultyForm("页面已过期，请刷新后再试", "The page is too old: reload it and try again")
        mine = {"session_id": visit.viewer.session_id, "form_id": self.id}
        statement = (
            insert(SubmittedForm)
            .values(**mine, location="", said="", created_at=visit.now)
            .on_conflict_do_nothing()
            .returning(col(SubmittedForm.form_id))
        )
        if (await visit.session.execute(statement)).first() is not None:
            return None
        known = select(col(SubmittedForm.location), col(SubmittedForm.said)).filter_by(**mine)
        row = (await visit.session.execute(known)).one()
        return Done(row.location, row.said)

    async def _remember(self, visit: Visit, done: Done) -> None:
        statement = (
            update(SubmittedForm)
            .where(col(SubmittedForm.session_id) == visit.viewer.session_id, col(SubmittedForm.form_id) == self.id)
            .values(location=done.location, said=done.said)
        )
        await visit.session.execute(statement)


async def _do(act: Act, *, unseen: Preview | None) -> Done:
    """What cannot be done is refused before anybody is asked to look at it: what has not been seen is done as well, and
    undone with its savepoint.
    """
    done = await act()
    if unseen is not None:
        raise Unseen(unseen)
    return done


def _with_said(done: Done, form_id: UUID | None) -> str:
    """The page finds what to say by the form's id: no text, and nothing of anybody, stands in an address."""
    if not done.said or form_id is None:
        return done.location
    path, mark, anchor = done.location.partition("#")
    return f"{path}{'&' if '?' in path else '?'}{SAID}={form_id}{mark}{anchor}"


async def said_to(visit: Visit) -> str:
    """What the last form has brought about, for the page it led to."""
    try:
        form_id = UUID(visit.request.query_params.get(SAID, ""))
    except ValueError:
        return ""
    statement = select(col(SubmittedForm.said)).where(
        col(SubmittedForm.session_id) == visit.viewer.session_id, col(SubmittedForm.form_id) == form_id
    )
    return (await visit.session.scalars(statement)).one_or_none() or ""


async def read_form(request: Request) -> Submission:
    """The fields of a form. Its files are no larger than a request may be."""
    data: FormData = await request.form()
    files = {name: await value.read() for name, value in data.items() if isinstance(value, UploadFile)}
    await data.close()
    values = {name: legible(value) for name, value in data.items() if isinstance(value, str)}
    lists = {name: [legible(one) for one in data.getlist(name) if isinstance(one, str)] for name in data}
    return Submission(Form(values, lists), id_in(values.get(ID, "")), values.get(TOKEN, ""), files)


def legible(text: str) -> str:
    """Without control characters: nobody types them, and no column holds a NUL. Lines and tabs stay."""
    return "".join(letter for letter in text if letter in "\n\r\t" or not is_control(letter))


def id_in(text: str) -> UUID | None:
    """None for what is no id."""
    try:
        return UUID(text)
    except ValueError:
        return None


SubmissionDep = Annotated[Submission, Depends(read_form)]
EMPTY = Form()
