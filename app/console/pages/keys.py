"""接口密钥: which programs have one, what each may and does, a new one, the end of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.responses import Response

from app import addresses
from app.access import service as access
from app.access.service import KeyPowers
from app.audit.why import About
from app.confirmations import service as confirmations
from app.console.visiting import may, one_of, trace_of, traces_of
from app.dual_control import TwoPersonAct
from app.pages.drawing import standing
from app.pages.drawing.catalogue import phrase
from app.pages.forms import EMPTY, Done, Form, Outcome, SubmissionDep, check_seen, said_to, seen_of
from app.pages.people import chosen_departments
from app.pages.route import page_router
from app.pages.tables import Choice, CursorDep, Table, page_at
from app.pages.visit import Visit, services_of, visits
from app.permissions import Permission, Words
from app.timeline import service as timelines
from app.web.schemas import Day
from app.web.scopes import scopes_of
from models.access import ActAs, ApiKey
from models.audit import ObjectKind
from models.ids import LARGEST_NUMBER

router = page_router(addresses.CONSOLE_KEYS)

KeysVisit = Annotated[Visit, visits(addresses.CONSOLE_KEYS)]
ChangingVisit = Annotated[Visit, visits(addresses.CONSOLE_KEYS, Permission.KEY_CHANGE)]

BAD: Final = 400
"""From this status on, an answer says what is wrong."""

DAYS: Final = 14
"""So long it is kept what keys were used for."""

RESOURCES: Final[Mapping[str, Words]] = {
    "admin": Words("接口密钥和授权", "API keys and access"),
    "announcements": Words("通知", "announcements"),
    "audit": Words("审计记录", "the audit trail"),
    "callbacks": Words("回调", "callbacks"),
    "confirmations": Words("两人确认", "acts of two people"),
    "deliveries": Words("发送记录", "deliveries"),
    "events": Words("事件", "events"),
    "groups": Words("群", "groups"),
    "org": Words("组织架构", "the organisation"),
    "overview": Words("概览", "the overview"),
    "personal": Words("个人资料", "personal records"),
    "policy": Words("制度", "the policy"),
    "quota": Words("用量", "limits"),
    "requests": Words("申请", "requests"),
    "tasks": Words("任务", "tasks"),
}
VERBS: Final[Mapping[str, Words]] = {
    "read": Words("查看", "read"),
    "write": Words("读写", "read and write"),
    "decide": Words("代人审批", "decide for people:"),
    "act": Words("代人办理", "act for people:"),
    "confirm": Words("代人确认", "confirm for people:"),
    "content": Words("查看内容", "read the content of"),
}
OUTCOMES: Final[Mapping[str, Words]] = {
    "failed": Words("被拒绝或失败", "refused or failed"),
    "done": Words("正常", "answered"),
}
WHOM: Final = (
    Choice(ActAs.NOBODY, "不能代任何人", "nobody"),
    Choice(ActAs.DEPARTMENTS, "只代以下部门及其下级的人", "people of these departments, with everything below"),
    Choice(ActAs.ANYBODY, "可代任何人", "anybody"),
)


class ActsFor(BaseModel):
    """In whose name a key acts."""

    act_as: ActAs = ActAs.NOBODY
    departments: list[Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]] = []

    def whom(self) -> dict[str, Any]:
        return {"act_as": self.act_as.value, "act_as_departments": self.departments}


class Wanted(ActsFor):
    name: str = Field(min_length=1, max_length=100)
    scopes: list[str] = []
    ends_on: Day | None = None

    def payload(self, visit: Visit) -> dict[str, Any]:
        ends_at = _end_of(visit, self.ends_on)
        return {
            "name": self.name,
            "scopes": self.scopes,
            **self.whom(),
            "expires_at": ends_at.isoformat() if ends_at else None,
        }


@router.get("")
async def listed(visit: KeysVisit) -> Response:
    rows = await access.list_keys(visit.session)
    powers = {one.row.id: one for one in await access.powers_of_keys(visit.session, now=visit.now)}
    return visit.draw(
        "console/keys.html",
        done=await said_to(visit),
        living=[powers[row.id] for row in rows if row.id in powers],
        ended=[row for row in rows if row.id not in powers],
        may_change=may(visit, Permission.KEY_CHANGE),
    )


@router.get("/new")
async def new(visit: ChangingVisit) -> Response:
    return await _form(visit)


@router.post("/new")
async def create(visit: ChangingVisit, submission: SubmissionDep) -> Response:
    """The key stands in the answer to the form alone: nowhere is it kept, and no address leads to it again."""
    submission.check(visit)
    if submission.form.value("step") == "find":
        return await _form(visit, submission.form)
    made: list[tuple[str, str, bool]] = []

    async def act() -> Done:
        given = submission.form.read(Wanted, visit)
        wish = confirmations.Wish(TwoPersonAct.KEY_CREATE, given.payload(visit), visit.viewer.person)
        answer = await confirmations.ask_or_do(visit.session, wish, now=visit.now)
        waits = isinstance(answer, confirmations.Asked)
        made.append((given.name, answer.secret, waits))
        if isinstance(answer, confirmations.Asked):
            return Done(addresses.CONSOLE_KEYS, visit.say(phrase("已请另一个人确认，确认之后密钥才能用。")))
        return Done(f"{addresses.CONSOLE_KEYS}/{answer.result}", visit.say(phrase("已创建密钥。密钥本身只显示一次。")))

    async def again(form: Form, status: int) -> Response:
        return await _form(visit, form, status)

    answer = await submission.carry_out(visit, act, again=again)
    if not made or answer.status_code >= BAD:
        return answer
    name, key, waits = made[0]
    location = answer.headers["location"]
    return visit.draw("console/key_created.html", name=name, key=key, waits=waits, location=location)


@router.get("/{key_id}")
async def one(key_id: UUID, visit: KeysVisit) -> Response:
    return await _drawn(visit, key_id)


@router.get("/{key_id}/requests")
async def requests(key_id: UUID, visit: KeysVisit, cursor: CursorDep, outcome: str = "") -> Response:
    """Each request of the last 14 days."""
    row = await access.key_numbered(visit.session, key_id)
    failed = {"failed": True, "done": False}.get(outcome)
    page = await access.requests_of_key(visit.session, row.id, failed=failed, page=page_at(cursor))
    filters = [one_of("outcome", Words("结果", "Outcome"), OUTCOMES, outcome)]
    traces = {one.correlation_id: trace_of(visit, one.correlation_id) for one in page.items}
    table = Table(page.items, page.next_cursor, filters)
    return visit.draw("console/key_requests.html", key=row, table=table, traces=traces)


@router.post("/{key_id}/whom")
async def change(key_id: UUID, visit: ChangingVisit, submission: SubmissionDep) -> Response:
    """Say anew in whose name it acts, from its next request on."""
    submission.check(visit)
    if submission.form.value("step") == "find":
        return await _drawn(visit, key_id, submission.form)

    async def act() -> Done:
        check_seen(submission.form, (), await _standing(visit, key_id))
        payload = {"key_id": str(key_id), **submission.form.read(ActsFor, visit).whom()}
        wish = confirmations.Wish(TwoPersonAct.KEY_CHANGE, payload, visit.viewer.person)
        answer = await confirmations.ask_or_do(visit.session, wish, now=visit.now)
        if isinstance(answer, confirmations.Asked):
            return Done(f"{addresses.CONSOLE_KEYS}/{key_id}", visit.say(phrase("已请另一个人确认，确认之后才更改。")))
        return Done(f"{addresses.CONSOLE_KEYS}/{key_id}", visit.say(phrase("已更改，从下一次请求起生效。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, key_id, form, status)

    return await submission.carry_out(visit, act, again=again)


@router.post("/{key_id}/end")
async def end(key_id: UUID, visit: ChangingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        check_seen(submission.form, (), await _standing(visit, key_id))
        wish = confirmations.Wish(TwoPersonAct.KEY_END, {"key_id": str(key_id)}, visit.viewer.person)
        answer = await confirmations.ask_or_do(visit.session, wish, now=visit.now)
        if isinstance(answer, confirmations.Asked):
            asked = visit.say(phrase("已请另一个人确认，确认之后密钥才停用。"))
            return Done(f"{addresses.CONSOLE_KEYS}/{key_id}", asked)
        return Done(
            f"{addresses.CONSOLE_KEYS}/{key_id}", visit.say(phrase("密钥已停用，用它的请求从现在起都会被拒绝。"))
        )

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, key_id, form, status)

    return await submission.carry_out(visit, act, again=again)


def _end_of(visit: Visit, day: date | None) -> datetime | None:
    """The last moment of a day of the company."""
    return datetime.combine(day, time.max, visit.reader.zone).astimezone(UTC) if day else None


async def _form(visit: Visit, form: Form = EMPTY, status: int = 200) -> Response:
    return visit.draw(
        "console/key_new.html",
        status=status,
        form=form,
        scopes=scopes_of(services_of(visit.request).registry),
        whom=WHOM,
        scope=_scope,
        departments=await chosen_departments(visit, form, "departments", visit.sight()),
    )


def _scope(name: str) -> Words:
    """读写 任务."""
    resource, _, verb = name.partition(":")
    what, how = RESOURCES.get(resource) or Words(resource, resource), VERBS.get(verb) or Words(verb, verb)
    return Words(f"{how.chinese}：{what.chinese}", f"{how.english} {what.english}")


async def _drawn(visit: Visit, key_id: UUID, form: Form = EMPTY, status: int = 200) -> Response:
    row = await access.key_numbered(visit.session, key_id)
    powers = await _powers(visit, key_id)
    usage = await access.usage_of_key(visit.session, key_id=key_id, days=DAYS, now=visit.now)
    return visit.draw(
        "console/key.html",
        status=status,
        form=form,
        done=await said_to(visit),
        key=row,
        powers=powers,
        seen=seen_of(form, (), await _standing(visit, key_id)),
        scope=_scope,
        usage=usage,
        total=_total(usage),
        timeline=await timelines.timeline(visit.session, About(ObjectKind.API_KEY, key_id)),
        traces=await traces_of(visit, About(ObjectKind.API_KEY, key_id)),
        whom=WHOM,
        departments=await chosen_departments(visit, _whom(form, row), "departments", visit.sight()),
        may_end=may(visit, Permission.KEY_CHANGE) and row.ended_at is None,
    )


def _whom(form: Form, row: ApiKey) -> Form:
    """What was chosen; before anything was, what holds now."""
    return form if form.values else Form(lists={"departments": [str(one) for one in row.act_as_departments]})


async def _powers(visit: Visit, key_id: UUID) -> KeyPowers | None:
    """None when it is over."""
    living = await access.powers_of_keys(visit.session, now=visit.now)
    return next((one for one in living if one.row.id == key_id), None)


async def _standing(visit: Visit, key_id: UUID) -> Outcome:
    row, powers = await access.key_numbered(visit.session, key_id), await _powers(visit, key_id)
    return standing.of_key(visit, row, _say(visit, powers) if powers else "")


def _total(usage: Sequence[Any]) -> int:
    return sum(one.requests for one in usage)


def _say(visit: Visit, powers: KeyPowers) -> str:
    return powers.powers.english if visit.reader.reads_english else powers.powers.chinese
