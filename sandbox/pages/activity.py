"""What goes on in the company behind the phones: groups, meetings, jobs that run on their own."""

from itertools import islice
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sandbox.control.wiring import StateDep
from sandbox.conversations import Group
from sandbox.jobs import FetchJob, Job
from sandbox.pages.drawing import draw
from sandbox.schedules import Meeting
from sandbox.state import SandboxState

router = APIRouter(prefix="/admin", include_in_schema=False)

SHOWN = 50
FETCH_STATES = {1: ("进行中", ""), 2: ("完成", "good"), 3: ("失败", "bad")}


@router.get("/activity")
async def activity(request: Request, state: StateDep) -> Response:
    """The latest of each kind, newest first."""
    jobs = [_job(job) for job in islice(reversed(state.jobs.known.values()), SHOWN)]
    fetches = [_fetch(job) for job in islice(reversed(state.jobs.fetches.values()), SHOWN)]
    context = {
        "groups": [_group(state, group) for group in islice(reversed(state.groups.values()), SHOWN)],
        "group_count": len(state.groups),
        "meetings": [_meeting(state, m) for m in islice(reversed(state.schedules.meetings.values()), SHOWN)],
        "jobs": [*jobs, *fetches],
    }
    return draw(request, state, "console/activity.html", {"section": "admin", "page_name": "activity"} | context)


def _group(state: SandboxState, group: Group) -> dict[str, Any]:
    owner, app = state.company.people.get(group.owner), state.apps.get(group.agent_id or 0)
    return {
        "chatid": group.chatid,
        "name": group.name,
        "owner": owner.name if owner else "",
        "userid": owner.userid if owner else "",
        "size": len(group.members),
        "messages": len(group.messages),
        "app": app.name if app else "",
        "dismissed": group.dismissed,
    }


def _meeting(state: SandboxState, meeting: Meeting) -> dict[str, Any]:
    person = state.company.people.get(meeting.admin.serial)
    return {
        "id": meeting.meeting_id,
        "title": meeting.values["title"],
        "at": meeting.values["meeting_start"],
        "minutes": round(meeting.values["meeting_duration"] / 60),
        "admin": person.name if person else meeting.admin.last_userid,
        "invited": len(meeting.invitees),
        "cancelled": meeting.cancelled,
    }


def _job(job: Job) -> dict[str, Any]:
    text, shade = ("进行中", "") if not job.is_done else ("失败", "bad") if job.errcode else ("完成", "good")
    size = len(job.files) if not job.is_import else job.total
    return {"id": job.id, "kind": job.kind, "owner": job.owner, "at": job.started_at, "size": size} | {
        "state": text,
        "shade": shade,
        "errcode": job.errcode,
    }


def _fetch(job: FetchJob) -> dict[str, Any]:
    text, shade = FETCH_STATES.get(job.status, (str(job.status), "grey"))
    return {"id": job.id, "kind": f"upload_by_url {job.filename}", "owner": job.owner, "at": None, "size": None} | {
        "state": text,
        "shade": shade,
        "errcode": job.errcode,
    }
