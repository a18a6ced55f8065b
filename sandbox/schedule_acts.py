"""What people do with schedules and to-dos in the client (doc path/97728 to 97732, path/98111)."""

import secrets
from collections.abc import Sequence
from typing import Any

from sandbox.approval import Who
from sandbox.company import Person
from sandbox.events import elements, envelope
from sandbox.phone_acts import NotPossible
from sandbox.schedules import (
    ACCEPTED,
    ACCEPTED_ONCE,
    CANCELLED,
    DECLINED,
    NOT_ANSWERED,
    TENTATIVE,
    Attendee,
    Schedule,
    Todo,
)
from sandbox.state import SandboxState

ANSWERS = {"tentative": TENTATIVE, "accept": ACCEPTED, "accept_once": ACCEPTED_ONCE, "decline": DECLINED}


def require_schedule(state: SandboxState, schedule_id: str) -> Schedule:
    found = state.schedules.schedules.get(schedule_id)
    if found is None or found.status == CANCELLED:
        raise NotPossible(f"there is no schedule {schedule_id}")
    return found


def respond(state: SandboxState, schedule: Schedule, person: Person, answer: str) -> None:
    """The event says that somebody answered, and not what."""
    _attendee(schedule, person).answer = ANSWERS[answer]
    _tell(state, schedule, "respond_schedule", person)


def take_off(state: SandboxState, schedule: Schedule, person: Person) -> None:
    """An attendee deletes it from their own calendar, which declines it; for the others it stays."""
    attendee = _attendee(schedule, person)
    attendee.deleted, was = True, attendee.answer
    if was != DECLINED:
        attendee.answer = DECLINED
        _tell(state, schedule, "respond_schedule", person)


def _attendee(schedule: Schedule, person: Person) -> Attendee:
    found = schedule.attendee(person.serial)
    if found is None or found.deleted:
        raise NotPossible(f"{person.userid} does not attend {schedule.schedule_id}")
    return found


def create(
    state: SandboxState,
    person: Person,
    attendees: Sequence[Person],
    *,
    cal_id: str,
    start: int,
    end: int,
    **values: Any,
) -> Schedule:
    """A person writes into a calendar; an app can read it there, and not change it (90479)."""
    texts = {"summary": "新建事件", "description": "", "location": "", "is_whole_day": 0} | values
    made = Schedule(
        "17c7" + secrets.token_hex(14),
        None,
        cal_id,
        start,
        end,
        texts,
        {"is_remind": 0, "is_repeat": 0, "timezone": 8},
        [Attendee(Who.of(one)) for one in attendees],
        [],
        creator=Who.of(person),
    )
    state.schedules.schedules[made.schedule_id] = made
    return made


def change(state: SandboxState, schedule: Schedule, person: Person, changes: dict[str, Any]) -> None:
    """Only its admins, its organizer and its creator can. A new time asks everybody again."""
    _require_hand(schedule, person)
    start, end = changes.pop("start", schedule.start), changes.pop("end", schedule.end)
    moved = (start, end) != (schedule.start, schedule.end)
    schedule.room_booked = bool(changes.pop("room_booked", schedule.room_booked))
    schedule.start, schedule.end = start, end
    schedule.values = schedule.values | changes
    for attendee in schedule.attendees if moved else []:
        attendee.answer = NOT_ANSWERED
    _tell(state, schedule, "modify_schedule", person)


def cancel(state: SandboxState, schedule: Schedule, person: Person) -> None:
    _require_hand(schedule, person)
    schedule.status = CANCELLED
    _tell(state, schedule, "delete_schedule", person)


def _require_hand(schedule: Schedule, person: Person) -> None:
    hands = [*schedule.admins, schedule.creator, schedule.organizer]
    if person.serial not in {who.serial for who in hands if who is not None}:
        raise NotPossible(f"{person.userid} may not change {schedule.schedule_id}")


def _tell(state: SandboxState, schedule: Schedule, event: str, person: Person) -> None:
    """Only of the main app's own schedules, as it may touch no others."""
    app, config = state.main_app, state.config
    if schedule.agent_id == app.agent_id and state.is_allowed(app, config.schedule_apps):
        rest = {
            "Event": event,
            "CalId": schedule.cal_id,
            "ScheduleId": schedule.schedule_id,
            "AgentID": app.agent_id,
        }
        state.pusher.push("app", envelope(config.corp_id, person.userid, state.now(), "event", elements(rest)))


# To-dos


def create_todo(
    state: SandboxState, person: Person, content: str, participants: Sequence[Person], end_time: int
) -> Todo:
    """The native form that `ww.createTodo` opens, confirmed by the person (doc path/101530)."""
    if not state.main_app.range.has_root:
        raise NotPossible("the app must be visible to the whole company")
    people = [(Who.of(one), 1) for one in participants]
    now = int(state.now())
    todo = Todo(secrets.token_hex(12), state.config.agent_id, Who.of(person), content, now, end_time, people)
    state.schedules.todos[todo.todo_id] = todo
    return todo


def require_todo(state: SandboxState, todo_id: str) -> Todo:
    found = state.schedules.todos.get(todo_id)
    if found is None or found.deleted:
        raise NotPossible(f"there is no to-do {todo_id}")
    return found


def mark_todo(todo: Todo, person: Person, *, done: bool) -> None:
    """A participant marks their part; the creator marks the whole."""
    status = 0 if done else 1
    if person.serial == todo.creator.serial:
        todo.status = status
    elif person.serial not in {who.serial for who, _status in todo.participants}:
        raise NotPossible(f"{person.userid} takes no part in {todo.todo_id}")
    todo.participants = [(who, status if who.serial == person.serial else old) for who, old in todo.participants]
