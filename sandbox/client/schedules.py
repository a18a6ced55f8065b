"""The part of `SandboxClient` that speaks for people's calendars and to-dos."""

from collections.abc import Sequence
from typing import Any

from sandbox.client.asking import Asking, Fields


class Schedules(Asking):
    async def schedules(self) -> list[Fields]:
        """All of them; status 1 is cancelled."""
        return await self._list("/schedules")

    async def schedules_of(self, userid: str) -> list[Fields]:
        """A person's calendar, by the beginning."""
        return await self._list(f"/people/{userid}/schedules")

    async def create_schedule(self, userid: str, start: int, end: int, **more: Any) -> Fields:
        """By a person. More: summary, description, location, attendees, cal_id (one of an app's calendars)."""
        return await self._object("POST", f"/people/{userid}/schedules", {"start": start, "end": end} | more)

    async def respond(self, userid: str, schedule_id: str, answer: str) -> Fields:
        """accept, accept_once, tentative, decline."""
        body = {"userid": userid, "answer": answer}
        return await self._object("POST", f"/schedules/{schedule_id}/respond", body)

    async def take_off_schedule(self, userid: str, schedule_id: str) -> Fields:
        """An attendee deletes it from their own calendar."""
        return await self._object("POST", f"/schedules/{schedule_id}/take-off", {"userid": userid})

    async def change_schedule(self, userid: str, schedule_id: str, **changes: Any) -> Fields:
        """By an admin or the creator: start, end, summary, description, location, room_booked."""
        return await self._object("PATCH", f"/schedules/{schedule_id}", {"userid": userid} | changes)

    async def cancel_schedule(self, userid: str, schedule_id: str) -> Fields:
        return await self._object("POST", f"/schedules/{schedule_id}/cancel", {"userid": userid})

    async def meetings_of(self, userid: str) -> list[Fields]:
        """Booked meetings that this person leads or is invited to."""
        return await self._list(f"/people/{userid}/meetings")

    async def todos_of(self, userid: str) -> list[Fields]:
        return await self._list(f"/people/{userid}/todos")

    async def create_todo(
        self, userid: str, content: str, participants: Sequence[str] = (), end_time: int = 0
    ) -> Fields:
        """`ww.createTodo`, confirmed by the person."""
        body = {"content": content, "participants": list(participants), "end_time": end_time}
        return await self._object("POST", f"/people/{userid}/todos", body)

    async def mark_todo(self, userid: str, todo_id: str, *, done: bool = True) -> Fields:
        return await self._object("POST", f"/todos/{todo_id}/mark", {"userid": userid, "done": done})

    async def delete_todo(self, todo_id: str) -> None:
        await self._ask("DELETE", f"/todos/{todo_id}")
