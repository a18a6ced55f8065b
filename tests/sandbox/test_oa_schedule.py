from typing import Any

import pytest

from sandbox.client import SandboxRefused
from tests.sandbox.world import Json, World

MONDAY = 1_772_413_200
"""2026-03-02 09:00 in UTC+8."""
HOUR = 3_600
DAY = 86_400
WEEKLY = {"is_repeat": 1, "repeat_type": 1, "timezone": 8}


def schedule(*attendees: str, **changes: Any) -> Json:
    people = [{"userid": userid} for userid in attendees]
    return {"start_time": MONDAY, "end_time": MONDAY + HOUR, "summary": "周会", "attendees": people} | changes


async def add(world: World, *attendees: str, **changes: Any) -> str:
    answer = await world.app("oa/schedule/add", {"schedule": schedule(*attendees, **changes)})
    assert answer["errcode"] == 0, answer
    return str(answer["schedule_id"])


async def get(world: World, schedule_id: str) -> Json:
    answer = await world.app("oa/schedule/get", {"schedule_id_list": [schedule_id]})
    assert answer["errcode"] == 0, answer
    found: Json = answer["schedule_list"][0]
    return found


async def code(world: World, act: str, body: Json) -> int:
    return int((await world.app(f"oa/{act}", body))["errcode"])


class TestSchedules:
    async def test_read_back_with_defaults(self, world: World) -> None:
        one, two = await world.userids(2)
        schedule_id = await add(world, one, two.upper(), summary="", reminders={"is_remind": 1})
        found = await get(world, schedule_id)
        assert found["summary"] == "新建事件"
        assert found["attendees"] == [{"userid": userid, "response_status": 0} for userid in (one, two)]
        assert found["cal_id"]
        assert (found["status"], found["reminders"]["remind_before_event_secs"]) == (0, 0)
        assert [s["schedule_id"] for s in await world.client.schedules_of(two)] == [schedule_id]

    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [
            ({"start_time": None}, 40058),
            ({"end_time": MONDAY - 1}, 40058),
            ({"summary": "字" * 129}, 40058),
            ({"description": "字" * 1001}, 40058),
            ({"location": "字" * 129}, 40058),
            ({"attendees": [{"userid": "x"}] * 1001}, 90464),
            ({"attendees": [{"userid": "ghost"}]}, 60111),
            ({"cal_id": "unknown"}, 90457),
            ({"cal_id": "c" * 65}, 90457),
            ({"reminders": {"is_remind": 1, "remind_before_event_secs": 60}}, 90471),
            ({"reminders": {"is_remind": 1, "remind_time_diffs": [-60]}}, 90704),
            ({"reminders": {"is_remind": 1, "remind_time_diffs": [32400]}}, 90704),
            ({"is_whole_day": 1, "reminders": {"is_remind": 1, "remind_time_diffs": [32400]}}, 0),
            ({"reminders": {"timezone": 13}}, 90480),
            ({"reminders": {"is_repeat": 1, "repeat_type": 3}}, 90465),
            ({"reminders": WEEKLY | {"is_custom_repeat": 1}}, 90486),
            ({"reminders": WEEKLY | {"is_custom_repeat": 1, "repeat_interval": 1, "repeat_day_of_week": [8]}}, 90467),
            (
                {
                    "reminders": {
                        "is_repeat": 1,
                        "repeat_type": 2,
                        "is_custom_repeat": 1,
                        "repeat_interval": 1,
                        "repeat_day_of_month": [32],
                    }
                },
                90487,
            ),
        ],
    )
    async def test_fields(self, world: World, changes: Json, errcode: int) -> None:
        one = (await world.userids(1))[0]
        assert await code(world, "schedule/add", {"schedule": schedule(one, **changes)}) == errcode

    async def test_update_overwrites_and_keeps_the_answers(self, world: World) -> None:
        one, two, three = await world.userids(3)
        schedule_id = await add(world, one, two, location="三楼")
        await world.client.respond(one, schedule_id, "accept")
        given = schedule(one, three, schedule_id=schedule_id, start_time=MONDAY + HOUR, end_time=MONDAY + 2 * HOUR)
        assert "schedule_id" not in await world.app("oa/schedule/update", {"schedule": given})
        found = await get(world, schedule_id)
        assert (found["location"], found["start_time"]) == ("", MONDAY + HOUR)
        assert [(a["userid"], a["response_status"]) for a in found["attendees"]] == [(one, 2), (three, 0)]
        await world.app("oa/schedule/update", {"schedule": given | {"attendees": []}, "skip_attendees": 1})
        assert len((await get(world, schedule_id))["attendees"]) == 2
        await world.app("oa/schedule/update", {"schedule": given | {"attendees": []}})
        assert (await get(world, schedule_id))["attendees"] == []

    async def test_attendees_one_by_one(self, world: World) -> None:
        one, two = await world.userids(2)
        schedule_id = await add(world, one)
        body = {"schedule_id": schedule_id, "attendees": [{"userid": two}]}
        assert await code(world, "schedule/add_attendees", body) == 0
        assert await code(world, "schedule/add_attendees", body) == 0
        assert len((await get(world, schedule_id))["attendees"]) == 2
        body = {"schedule_id": schedule_id, "attendees": [{"userid": one}]}
        assert await code(world, "schedule/del_attendees", body) == 0
        assert [a["userid"] for a in (await get(world, schedule_id))["attendees"]] == [two]

    async def test_cancelled_ones_can_be_read_and_nothing_more(self, world: World) -> None:
        one = (await world.userids(1))[0]
        schedule_id = await add(world, one)
        assert await code(world, "schedule/del", {"schedule_id": schedule_id}) == 0
        assert (await get(world, schedule_id))["status"] == 1
        assert await code(world, "schedule/del", {"schedule_id": schedule_id}) == 90460
        assert await world.client.schedules_of(one) == []

    async def test_ids(self, world: World) -> None:
        assert await code(world, "schedule/get", {"schedule_id_list": []}) == 90462
        assert await code(world, "schedule/get", {"schedule_id_list": ["unknown"]}) == 90461
        assert await code(world, "schedule/del", {}) == 90461


class TestSeries:
    async def test_one_of_a_series_is_taken_out(self, world: World) -> None:
        one = (await world.userids(1))[0]
        schedule_id = await add(world, one, reminders=WEEKLY)
        second = MONDAY + 7 * DAY
        moved = schedule(one, schedule_id=schedule_id, start_time=second + DAY, end_time=second + DAY + HOUR)
        body = {"schedule": moved | {"reminders": WEEKLY}, "op_mode": 1, "op_start_time": second}
        split = (await world.app("oa/schedule/update", body))["schedule_id"]
        assert split != schedule_id
        assert (await get(world, split))["reminders"]["is_repeat"] == 0
        excluded = (await get(world, schedule_id))["reminders"]["exclude_time_list"]
        assert excluded == [{"start_time": second}]
        assert (await world.app("oa/schedule/update", body))["errcode"] == 90482

    async def test_this_and_all_later_ones(self, world: World) -> None:
        one = (await world.userids(1))[0]
        schedule_id = await add(world, one, reminders=WEEKLY)
        third = MONDAY + 14 * DAY
        body = {"schedule_id": schedule_id, "op_mode": 2, "op_start_time": third}
        assert await code(world, "schedule/del", body) == 0
        assert (await get(world, schedule_id))["reminders"]["repeat_until"] == third - 1
        assert await code(world, "schedule/del", body) == 90482

    @pytest.mark.parametrize(
        ("reminders", "yes", "no"),
        [
            ({"repeat_type": 0}, [1, 2, 30], []),
            ({"repeat_type": 1}, [7, 14], [1, 6]),
            ({"repeat_type": 2}, [31, 61], [30]),
            ({"repeat_type": 5}, [365], [31]),
            ({"repeat_type": 7}, [1, 4, 7], [5, 6]),
            (
                {"repeat_type": 1, "is_custom_repeat": 1, "repeat_interval": 2, "repeat_day_of_week": [1, 3]},
                [2, 14],
                [7],
            ),
            ({"repeat_type": 0, "repeat_until": MONDAY + 3 * DAY}, [3], [4]),
        ],
    )
    async def test_on_which_days(self, world: World, reminders: Json, yes: list[int], no: list[int]) -> None:
        one = (await world.userids(1))[0]
        for days, errcode in [*((d, 0) for d in yes), *((d, 90482) for d in no)]:
            schedule_id = await add(world, one, reminders={"is_repeat": 1} | reminders)
            body = {"schedule_id": schedule_id, "op_mode": 1, "op_start_time": MONDAY + days * DAY}
            assert (days, await code(world, "schedule/del", body)) == (days, errcode)

    async def test_modes(self, world: World) -> None:
        one = (await world.userids(1))[0]
        schedule_id = await add(world, one)
        assert await code(world, "schedule/del", {"schedule_id": schedule_id, "op_mode": 3}) == 90485
        assert await code(world, "schedule/del", {"schedule_id": schedule_id, "op_mode": 1}) == 90484


class TestCalendars:
    async def make(self, world: World, *sharing: str, **changes: Any) -> Json:
        calendar = {
            "summary": "项目日历",
            "color": "#3F6FFF",
            "shares": [{"userid": userid} for userid in sharing],
        } | changes
        return await world.app("oa/calendar/add", {"calendar": calendar})

    async def test_life_of_a_calendar(self, world: World) -> None:
        one, two = await world.userids(2)
        made = await self.make(world, one, "ghost", admins=[one])
        cal_id = made["cal_id"]
        assert [row["userid"] for row in made["fail_result"]["shares"]] == ["ghost"]
        schedule_id = await add(world, two, cal_id=cal_id, admins=[one])
        change = {"cal_id": cal_id, "summary": "改名", "color": "#000000"}
        assert await code(world, "calendar/update", {"calendar": change}) == 0
        (found,) = (await world.app("oa/calendar/get", {"cal_id_list": [cal_id]}))["calendar_list"]
        assert (found["summary"], found["shares"], found["admins"]) == ("改名", [], [one])
        body = {"cal_id": cal_id, "limit": 1}
        listed = (await world.app("oa/schedule/get_by_calendar", body))["schedule_list"]
        assert [row["schedule_id"] for row in listed] == [schedule_id]
        assert await code(world, "calendar/del", {"cal_id": cal_id}) == 0
        assert await code(world, "calendar/del", {"cal_id": cal_id}) == 90459
        assert (await get(world, schedule_id))["status"] == 1

    async def test_refused(self, world: World) -> None:
        one, two = await world.userids(2)
        assert (await self.make(world, color="blue"))["errcode"] == 90473
        assert (await self.make(world, summary=""))["errcode"] == 40058
        assert (await self.make(world, one, admins=[two]))["errcode"] == 90492
        cal_id = (await self.make(world, one))["cal_id"]
        with_admin = schedule(one, cal_id=cal_id, admins=[two])
        assert await code(world, "schedule/add", {"schedule": with_admin}) == 90492
        schedule_id = await add(world, one, cal_id=cal_id)
        elsewhere = schedule(one, schedule_id=schedule_id, cal_id=(await self.make(world))["cal_id"])
        assert await code(world, "schedule/update", {"schedule": elsewhere}) == 90494
        assert await code(world, "schedule/get_by_calendar", {"cal_id": cal_id, "limit": 1001}) == 90469
        assert await code(world, "schedule/get_by_calendar", {"cal_id": cal_id, "offset": -1}) == 90470
        assert await code(world, "calendar/get", {"cal_id_list": []}) == 90458


class TestWhoMay:
    async def test_only_what_the_app_made_itself(self) -> None:
        world = await World(extra_apps=[{"agent_id": 1_000_003, "secret": "other"}]).start()
        one, two = await world.userids(2)
        schedule_id = await add(world, one)
        body = {"schedule_id_list": [schedule_id]}
        assert (await world.call("other", "oa/schedule/get", body))["errcode"] == 48002
        await world.client.configure(schedule_apps=[world.config.agent_id, 1_000_003])
        assert (await world.call("other", "oa/schedule/get", body))["errcode"] == 90466
        cal_id = (await get(world, schedule_id))["cal_id"]
        theirs = await world.client.create_schedule(two, MONDAY, MONDAY + HOUR, cal_id=cal_id, attendees=[one])
        assert (await get(world, theirs["schedule_id"]))["summary"] == "新建事件"
        assert await code(world, "schedule/del", {"schedule_id": theirs["schedule_id"]}) == 90479
        assert (await world.contacts("oa/schedule/get", body))["errcode"] == 48002
        await world.stop()

    async def test_so_many_a_day(self, world: World) -> None:
        await world.client.configure(limit_numbers={"schedules_per_day": 1})
        one = (await world.userids(1))[0]
        await add(world, one)
        assert await code(world, "schedule/add", {"schedule": schedule(one)}) == 45009


class TestPeople:
    async def test_the_event_does_not_carry_the_answer(self, world: World) -> None:
        one, two = await world.userids(2)
        schedule_id = await add(world, one, two)
        await world.client.respond(one, schedule_id, "tentative")
        await world.client.respond(two, schedule_id, "decline")
        await world.client.wait_idle()
        first, second = world.receiver.events("respond_schedule")
        assert (first.text("FromUserName"), first.text("ScheduleId")) == (one, schedule_id)
        assert second.text("CalId") == (await get(world, schedule_id))["cal_id"]
        assert {child.tag for child in first.event} == {
            "ToUserName",
            "FromUserName",
            "CreateTime",
            "MsgType",
            "Event",
            "CalId",
            "ScheduleId",
            "AgentID",
        }
        assert [a["response_status"] for a in (await get(world, schedule_id))["attendees"]] == [1, 4]

    async def test_taken_off_one_s_own_calendar(self, world: World) -> None:
        one, two = await world.userids(2)
        schedule_id = await add(world, one, two)
        await world.client.take_off_schedule(one, schedule_id)
        assert await world.client.schedules_of(one) == []
        assert len(await world.client.schedules_of(two)) == 1
        assert (await get(world, schedule_id))["attendees"][0]["response_status"] == 4
        with pytest.raises(SandboxRefused):
            await world.client.respond(one, schedule_id, "accept")

    async def test_an_admin_moves_it_books_a_room_and_cancels_it(self, world: World) -> None:
        one, two = await world.userids(2)
        schedule_id = await add(world, one, admins=[two])
        await world.client.respond(one, schedule_id, "accept")
        await world.client.change_schedule(two, schedule_id, start=MONDAY + DAY, end=MONDAY + DAY + HOUR)
        assert (await get(world, schedule_id))["attendees"][0]["response_status"] == 0
        await world.client.change_schedule(two, schedule_id, room_booked=True)
        update = {"schedule": schedule(one, schedule_id=schedule_id)}
        assert await code(world, "schedule/update", update) == 90700
        with pytest.raises(SandboxRefused):
            await world.client.cancel_schedule(one, schedule_id)
        await world.client.cancel_schedule(two, schedule_id)
        await world.client.wait_idle()
        events = [r.text("Event") for r in world.receiver.received]
        assert events == ["respond_schedule", "modify_schedule", "modify_schedule", "delete_schedule"]


class TestTodos:
    async def test_people_create_and_the_app_reads_and_updates(self, world: World) -> None:
        one, two, three = await world.userids(3)
        todo_id = (await world.client.create_todo(one, "交周报", [two, three], MONDAY))["todo_id"]
        await world.client.mark_todo(two, todo_id)
        found = await world.app("todo/get", {"todo_id": todo_id})
        assert (found["content"], found["creator"], found["status"]) == ("交周报", one, 1)
        assert [a["status"] for a in found["attendees"]] == [0, 1]
        change = {"todo_id": todo_id, "status": 0, "attendees": [{"userid": three, "status": 0}]}
        assert (await world.app("todo/update", change))["errcode"] == 0
        (mine,) = await world.client.todos_of(three)
        assert (mine["status"], [p["status"] for p in mine["participants"]]) == (0, [0, 0])
        await world.client.delete_todo(todo_id)
        assert (await world.app("todo/get", {"todo_id": todo_id}))["errcode"] == 40058

    async def test_refused(self, world: World) -> None:
        one, two = await world.userids(2)
        todo_id = (await world.client.create_todo(one, "交周报", [two]))["todo_id"]
        assert (await world.app("todo/update", {"todo_id": todo_id, "status": 2}))["errcode"] == 40058
        many = [{"userid": two, "status": 0}] * 21
        assert (await world.app("todo/update", {"todo_id": todo_id, "attendees": many}))["errcode"] == 40058
        await world.client.set_visible_range(users=[one])
        assert (await world.app("todo/get", {"todo_id": todo_id}))["errcode"] == 48002


class TestMeetings:
    async def book(self, world: World, **changes: Any) -> Json:
        one, two = await world.userids(2)
        start = int((await world.client.clock())["now"]) + HOUR
        body = {
            "admin_userid": one,
            "title": "里程碑评审",
            "meeting_start": start,
            "meeting_duration": HOUR,
            "invitees": {"userid": [two]},
        }
        return await world.app("meeting/create", body | changes)

    async def test_booked_seen_and_cancelled(self, world: World) -> None:
        one, two = await world.userids(2)
        made = await self.book(world)
        assert made["excess_users"] == []
        meeting = {"meetingid": made["meetingid"]}
        assert [m["title"] for m in await world.client.meetings_of(two)] == ["里程碑评审"]
        info = await world.app("meeting/get_info", meeting)
        assert (info["admin_userid"], info["attendees"]["member"]) == (one, [{"userid": two}])
        assert (await world.app("meeting/get_user_meetingid", {"userid": two}))["meetingid_list"] == [made["meetingid"]]
        assert (await world.app("meeting/cancel", meeting))["errcode"] == 0
        assert await world.client.meetings_of(two) == []
        assert (await world.app("meeting/cancel", {"meetingid": "x"}))["errcode"] == 90602

    @pytest.mark.parametrize(
        ("changes", "errcode"),
        [
            ({"title": ""}, 40058),
            ({"title": "题" * 21}, 40058),
            ({"title": "t" * 40}, 0),
            ({"title": "题" * 20}, 0),
            ({"meeting_start": 1}, 40058),
            ({"meeting_duration": 299}, 40058),
            ({"description": "字" * 501}, 40058),
            ({"invitees": {"userid": ["ghost"]}}, 60111),
            ({"invitees": {"userid": ["x"] * 101}}, 40058),
            ({"admin_userid": ""}, 60111),
        ],
    )
    async def test_fields(self, world: World, changes: Json, errcode: int) -> None:
        assert (await self.book(world, **changes))["errcode"] == errcode

    async def test_who_may(self, world: World) -> None:
        await world.client.configure(meeting_apps=[])
        assert (await self.book(world))["errcode"] == 48002
