# ruff: noqa: FAST003 - `PersonDep` takes the userid out of the path
"""日程 and 待办 on people's phones."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from sandbox import schedule_acts as acts
from sandbox.control.wiring import Body, PersonDep, StateDep
from sandbox.phone_acts import NotPossible
from sandbox.schedules import Schedule, Todo
from sandbox.state import SandboxState

router = APIRouter(prefix="/sandbox", tags=["schedules"])


class Answer(Body):
    userid: str
    answer: Literal["accept", "accept_once", "tentative", "decline"]


class Userid(Body):
    userid: str


class NewSchedule(Body):
    """By a person; without `cal_id` in their own calendar, which no app sees."""

    start: int
    end: int
    summary: str = "新建事件"
    description: str = ""
    location: str = ""
    attendees: list[str] = Field(default_factory=list)
    cal_id: str | None = None


class ScheduleChange(Body):
    """By one of its admins or its creator; only what is given changes."""

    userid: str
    start: int | None = None
    end: int | None = None
    summary: str | None = None
    description: str | None = None
    location: str | None = None
    room_booked: bool | None = None
    """A meeting room is booked for it: until that is undone the API cannot change it (90700)."""


class NewTodo(Body):
    content: str
    participants: list[str] = Field(default_factory=list)
    end_time: int = 0


class Mark(Body):
    userid: str
    done: bool = True


def schedule_view(state: SandboxState, schedule: Schedule) -> dict[str, Any]:
    company = state.company
    return schedule.values | {
        "schedule_id": schedule.schedule_id,
        "cal_id": schedule.cal_id,
        "agent_id": schedule.agent_id,
        "start": schedule.start,
        "end": schedule.end,
        "status": schedule.status,
        "reminders": schedule.reminders,
        "excluded": schedule.excluded,
        "room_booked": schedule.room_booked,
        "attendees": [
            {"userid": a.who.userid(company), "response_status": a.answer, "deleted": a.deleted}
            for a in schedule.attendees
        ],
        "admins": [who.userid(company) for who in schedule.admins],
        "creator": schedule.creator.userid(company) if schedule.creator else None,
        "organizer": schedule.organizer.userid(company) if schedule.organizer else None,
    }


def todo_view(state: SandboxState, todo: Todo) -> dict[str, Any]:
    company = state.company
    return {
        "todo_id": todo.todo_id,
        "content": todo.content,
        "creator": todo.creator.userid(company),
        "create_time": todo.create_time,
        "end_time": todo.end_time,
        "status": todo.status,
        "participants": [{"userid": who.userid(company), "status": status} for who, status in todo.participants],
    }


@router.get("/calendars")
async def calendars(state: StateDep) -> list[dict[str, Any]]:
    return [
        calendar.values | {"cal_id": calendar.cal_id, "agent_id": calendar.agent_id, "deleted": calendar.deleted}
        for calendar in state.schedules.calendars.values()
    ]


@router.get("/schedules")
async def schedules(state: StateDep) -> list[dict[str, Any]]:
    """All of them, cancelled ones (status 1) too."""
    return [schedule_view(state, schedule) for schedule in state.schedules.schedules.values()]


@router.get("/people/{userid}/schedules")
async def of_person(state: StateDep, found: PersonDep) -> list[dict[str, Any]]:
    """A person's calendar, by the beginning."""
    return [schedule_view(state, schedule) for schedule in state.schedules.of_person(found.serial)]


@router.post("/people/{userid}/schedules")
async def create(state: StateDep, found: PersonDep, body: NewSchedule) -> dict[str, Any]:
    if body.cal_id is not None and body.cal_id not in state.schedules.calendars:
        raise NotPossible(f"there is no calendar {body.cal_id}")
    attendees = [state.company.person(userid) for userid in body.attendees]
    texts = {"summary": body.summary, "description": body.description, "location": body.location}
    cal_id = body.cal_id or f"wcPerson{found.serial}"
    made = acts.create(state, found, attendees, cal_id=cal_id, start=body.start, end=body.end, **texts)
    return schedule_view(state, made)


@router.post("/schedules/{schedule_id}/respond")
async def respond(state: StateDep, schedule_id: str, body: Answer) -> dict[str, Any]:
    """Accept, accept this one of a series, perhaps, decline. The app hears `respond_schedule`, without the answer."""
    schedule = acts.require_schedule(state, schedule_id)
    acts.respond(state, schedule, state.company.person(body.userid), body.answer)
    return schedule_view(state, schedule)


@router.post("/schedules/{schedule_id}/take-off")
async def take_off(state: StateDep, schedule_id: str, body: Userid) -> dict[str, Any]:
    """An attendee deletes it from their own calendar."""
    schedule = acts.require_schedule(state, schedule_id)
    acts.take_off(state, schedule, state.company.person(body.userid))
    return schedule_view(state, schedule)


@router.patch("/schedules/{schedule_id}")
async def change(state: StateDep, schedule_id: str, body: ScheduleChange) -> dict[str, Any]:
    schedule = acts.require_schedule(state, schedule_id)
    changes = body.model_dump(exclude={"userid"}, exclude_none=True)
    acts.change(state, schedule, state.company.person(body.userid), changes)
    return schedule_view(state, schedule)


@router.post("/schedules/{schedule_id}/cancel")
async def cancel(state: StateDep, schedule_id: str, body: Userid) -> dict[str, Any]:
    """An admin, the organizer or the creator cancels it for everybody."""
    schedule = acts.require_schedule(state, schedule_id)
    acts.cancel(state, schedule, state.company.person(body.userid))
    return schedule_view(state, schedule)


@router.get("/people/{userid}/todos")
async def todos(state: StateDep, found: PersonDep) -> list[dict[str, Any]]:
    living = (todo for todo in state.schedules.todos.values() if not todo.deleted)
    serials = {
        todo.todo_id: {todo.creator.serial, *(who.serial for who, _status in todo.participants)} for todo in living
    }
    wanted = [state.schedules.todos[todo_id] for todo_id, people in serials.items() if found.serial in people]
    return [todo_view(state, todo) for todo in wanted]


@router.post("/people/{userid}/todos")
async def create_todo(state: StateDep, found: PersonDep, body: NewTodo) -> dict[str, Any]:
    """`ww.createTodo`, confirmed by the person."""
    people = [state.company.person(userid) for userid in body.participants]
    return todo_view(state, acts.create_todo(state, found, body.content, people, body.end_time))


@router.post("/todos/{todo_id}/mark")
async def mark(state: StateDep, todo_id: str, body: Mark) -> dict[str, Any]:
    todo = acts.require_todo(state, todo_id)
    acts.mark_todo(todo, state.company.person(body.userid), done=body.done)
    return todo_view(state, todo)


@router.get("/people/{userid}/meetings")
async def meetings(state: StateDep, found: PersonDep) -> list[dict[str, Any]]:
    """Booked meetings that this person leads or is invited to."""
    wanted = (m for m in state.schedules.meetings.values() if m.concerns(found.serial) and not m.cancelled)
    return [
        meeting.values
        | {
            "meetingid": meeting.meeting_id,
            "admin_userid": meeting.admin.userid(state.company),
            "invitees": [who.userid(state.company) for who in meeting.invitees],
        }
        for meeting in wanted
    ]


@router.delete("/todos/{todo_id}")
async def delete_todo(state: StateDep, todo_id: str) -> None:
    acts.require_todo(state, todo_id).deleted = True
