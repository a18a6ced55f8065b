"""同步: each reading of the organisation, what it has changed, and the losses that a person has to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel
from starlette.responses import Response

from app import addresses
from app.audit.actor import Actor, ActorKind
from app.confirmations import service as confirmations
from app.console import previews
from app.console.visiting import actor_of, chosen, may, one_of, plain, trace_of
from app.dual_control import TwoPersonAct
from app.org import service as org
from app.org.service import NamedPerson
from app.pages.drawing.catalogue import phrase
from app.pages.drawing.words import ORG_CHANGES, ORG_OBJECTS
from app.pages.forms import EMPTY, Done, Form, Preview, SubmissionDep, said_to
from app.pages.route import page_router
from app.pages.tables import CursorDep, Table, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission, Words
from app.policy import service as policies
from app.sync import service as sync
from app.sync.service import ChangeFilter, SyncReport
from models.ids import SyncRunId
from models.org import SyncKind, SyncRun, SyncState

router = page_router(addresses.CONSOLE_SYNC)

SyncVisit = Annotated[Visit, visits(addresses.CONSOLE_SYNC)]
StartingVisit = Annotated[Visit, visits(addresses.CONSOLE_SYNC, Permission.SYNC_RUN)]
DecidingVisit = Annotated[Visit, visits(addresses.CONSOLE_SYNC, Permission.SYNC_RELEASE)]

STATES: Final[Mapping[SyncState, tuple[Words, str]]] = {
    SyncState.RUNNING: (Words("进行中", "running"), "plain"),
    SyncState.DONE: (Words("已完成", "done"), "good"),
    SyncState.HELD: (Words("有减少待核实", "losses wait for a person"), "bad"),
    SyncState.RELEASED: (Words("已放行", "released"), "good"),
    SyncState.REJECTED: (Words("已驳回", "rejected"), "plain"),
    SyncState.FAILED: (Words("没有成功", "failed"), "bad"),
}
KINDS: Final[Mapping[SyncKind, Words]] = {
    SyncKind.FULL: Words("完整同步", "Full sync"),
    SyncKind.HINT: Words("回调提到的人和部门", "What callbacks named"),
}
REASONS: Final[Mapping[str, Words]] = {
    "schedule": Words("定时", "by schedule"),
    "start": Words("启动时", "at the start"),
    "api": Words("通过接口", "by the API"),
    "cli": Words("通过命令行", "at the command line"),
    "console": Words("在管理台发起", "from the console"),
}


class Wanted(BaseModel):
    dry_run: bool = False


@router.get("")
async def listed(visit: SyncVisit, cursor: CursorDep, kind: str = "", state: str = "", unread: str = "") -> Response:
    return await _listed(visit, cursor, kind=kind, state=state, unread=unread == "true")


@router.post("")
async def start(visit: StartingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        given = submission.form.read(Wanted, visit)
        run = await sync.request(visit.session, reason="console", dry_run=given.dry_run, now=visit.now)
        return Done(addresses.console_sync_run(run.id), visit.say(phrase("已安排同步，稍后刷新查看进度。")))

    async def again(form: Form, status: int) -> Response:
        return await _listed(visit, None, form=form, status=status)

    return await submission.carry_out(visit, act, again=again)


@router.get("/{run_id}")
async def one(run_id: UUID, visit: SyncVisit, cursor: CursorDep, change: str = "", of: str = "") -> Response:
    return await _drawn(visit, run_id, cursor, wanted=ChangeFilter(of or None, change or None))


@router.post("/{run_id}/release")
async def release(run_id: UUID, visit: DecidingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        wish = confirmations.Wish(TwoPersonAct.SYNC_RELEASE, {"run_id": str(run_id)}, visit.viewer.person)
        answer = await confirmations.ask_or_do(visit.session, wish, now=visit.now)
        if isinstance(answer, confirmations.Asked):
            return Done(addresses.console_sync_run(run_id), visit.say(phrase("已请另一个人确认，确认之后才放行。")))
        return Done(addresses.console_sync_run(run_id), visit.say(phrase("已放行，名单上的减少已经生效。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, run_id, None, form=form, status=status)

    async def foresee() -> Preview | None:
        return previews.of_releasing(visit, await sync.read_run(visit.session, run_id=SyncRunId(run_id)))

    return await submission.carry_out(visit, act, again=again, foresee=foresee)


@router.post("/{run_id}/reject")
async def reject(run_id: UUID, visit: DecidingVisit, submission: SubmissionDep) -> Response:
    async def act() -> Done:
        await sync.reject(visit.session, run_id=SyncRunId(run_id), actor=actor_of(visit), now=visit.now)
        return Done(addresses.console_sync_run(run_id), visit.say(phrase("已驳回，名单上的人和部门都保持原样。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, run_id, None, form=form, status=status)

    return await submission.carry_out(visit, act, again=again)


async def _listed(
    visit: Visit,
    cursor: str | None,
    *,
    kind: str = "",
    state: str = "",
    unread: bool = False,
    form: Form = EMPTY,
    status: int = 200,
) -> Response:
    of_kind, wanted = chosen(SyncKind, kind) or SyncKind.FULL, chosen(SyncState, state)
    found = await sync.runs_listed(visit.session, kind=of_kind, state=wanted, unread=unread, page=page_at(cursor))
    filters = [
        one_of("kind", Words("范围", "Of"), KINDS, kind and of_kind),
        one_of("state", Words("状态", "State"), plain(STATES), wanted or ""),
    ]
    if unread:  # where a number of the overview leads
        recent = {"true": Words("最近连续失败的", "failed since the last that read")}
        filters.append(one_of("unread", Words("概览", "Overview"), recent, "true"))
    return visit.draw(
        "console/syncs.html",
        status=status,
        form=form,
        done=await said_to(visit),
        table=Table(found.items, found.next_cursor, filters),
        states=STATES,
        reasons=REASONS,
        may_start=may(visit, Permission.SYNC_RUN),
    )


async def _drawn(
    visit: Visit,
    run_id: UUID,
    cursor: str | None,
    *,
    wanted: ChangeFilter = ChangeFilter(),  # noqa: B008 -- frozen
    form: Form = EMPTY,
    status: int = 200,
) -> Response:
    run = await sync.read_run(visit.session, run_id=SyncRunId(run_id))
    found = await sync.differences_listed(visit.session, run_id=run_id, wanted=wanted, page=page_at(cursor))
    filters = [
        one_of("of", Words("对象", "Object"), ORG_OBJECTS, wanted.object_kind or ""),
        one_of("change", Words("变化", "Change"), ORG_CHANGES, wanted.change or ""),
    ]
    return visit.draw(
        "console/sync.html",
        status=status,
        form=form,
        done=await said_to(visit),
        run=run,
        report=SyncReport.of(run),
        preview=previews.of_releasing(visit, run),
        table=Table(found.items, found.next_cursor, filters),
        decider=await _decider(visit, run),
        trace=trace_of(visit, run.correlation_id),
        needs_two=await policies.needs_two_people(visit.session, TwoPersonAct.SYNC_RELEASE, now=visit.now),
        may_decide=may(visit, Permission.SYNC_RELEASE) and run.state is SyncState.HELD,
        states=STATES,
        kinds=KINDS,
        reasons=REASONS,
        objects=ORG_OBJECTS,
        changes=ORG_CHANGES,
    )


async def _decider(visit: Visit, run: SyncRun) -> NamedPerson | None:
    if not run.decided_by:
        return None
    actor = Actor.parse(run.decided_by)
    if actor.kind is not ActorKind.PERSON:
        return None
    return (await org.named_people(visit.session, [UUID(actor.id)])).get(UUID(actor.id))
