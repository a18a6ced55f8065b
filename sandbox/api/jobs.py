"""Starting a job, and telling its end."""

import asyncio
from collections.abc import Callable

from sandbox.api.call import Call
from sandbox.jobs import Job, new_job_id, result_event, run
from sandbox.pushes import CallbackChannel
from sandbox.state import SandboxState


def start(call: Call, kind: str, work: Callable[[Job], None], target: CallbackChannel | None) -> Job:
    state, now = call.state, call.state.now()
    job = Job(new_job_id(), kind, call.identity, now, now + state.config.job_seconds, work, target)
    state.jobs.add(job)
    if state.config.job_seconds == 0:
        _finish(state, job)
    else:
        task = asyncio.create_task(_finish_later(state, job))
        state.jobs.running.add(task)
        task.add_done_callback(state.jobs.running.discard)
    return job


async def _finish_later(state: SandboxState, job: Job) -> None:
    await state.clock.sleep_until(job.ends_at)
    settle(state)


def settle(state: SandboxState) -> None:
    """Finish what is due; also when somebody asks before the loop has come round to it."""
    for job in list(state.jobs.known.values()):
        if not job.is_done and state.now() >= job.ends_at:
            _finish(state, job)


def _finish(state: SandboxState, job: Job) -> None:
    run(job)
    event = result_event(state.config.corp_id, job, state.now())
    if job.target is not None:
        state.pusher.push_to(job.target, event)
    elif not job.is_import:
        state.pusher.push("contacts" if job.owner == "contacts" else "app", event)
