"""B7 of P6: who comes back after a mass loss is linked in one step, by userid, name and department."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.database import transaction
from app.probes.router import find_degraded
from models.events import PublishedEvent
from models.org import PersonStatus
from tests.fakes.queue import queued_names
from tests.sync.world import Rest, World


async def _mass_loss_and_back(world: World) -> tuple[list[str], dict[str, UUID]]:
    """Ten people are not in two complete readings, and count as gone. Then they are there again."""
    await world.sync()
    userids = (await world.userids(status=PersonStatus.ACTIVE))[:10]
    former = {userid: (await world.person(userid)).id for userid in userids}
    _leave_out(world, userids)
    for _ in range(2):
        await world.sync()
    assert {await world.person_or_none(userid) for userid in userids} == {None}
    world.unspoil()
    return userids, former


def _leave_out(world: World, userids: list[str]) -> None:
    gone = {userid.lower() for userid in userids}
    world.spoil(
        "user/list_id",
        lambda _r, a: a | {"dept_user": [row for row in a["dept_user"] if row["userid"].lower() not in gone]},
    )
    world.spoil(
        "user/list", lambda _r, a: a | {"userlist": [row for row in a["userlist"] if row["userid"].lower() not in gone]}
    )


async def _told_of(world: World) -> list[dict[str, object]]:
    async with world.sessions() as session:
        told = select(col(PublishedEvent.data)).where(col(PublishedEvent.type) == "sync_run.read_again")
        return list(await session.scalars(told))


class TestReadAgain:
    """P6: what failed because a reading had left people out is tried again as soon as they are read."""

    async def test_one_event_tells_of_all_whom_a_sync_reads_again(self, world: World) -> None:
        await world.sync()
        userids = (await world.userids(status=PersonStatus.ACTIVE))[:10]
        _leave_out(world, userids)
        await world.sync()
        assert await _told_of(world) == []
        world.unspoil()

        run = await world.sync()
        await world.sync()

        assert await _told_of(world) == [{"sync_run_id": str(run.id), "people": 10, "departments": 0}]
        async with transaction(world.sessions) as session:
            assert (await queued_names(session)).count("groups.read_again") == 1


class TestReturners:
    async def test_all_who_are_alike_are_linked_in_one_step(self, world: World, rest: Rest) -> None:
        userids, former = await _mass_loss_and_back(world)
        await world.sync()
        seen = (await rest.get("returned-members", limit=100))["items"]
        assert {item["userid"].lower() for item in seen} == set(userids)
        assert all(item["alike"] and item["shared_departments"] for item in seen)
        async with transaction(world.sessions) as session:
            told = {one.what: one.detail for one in await find_degraded(session, now=world.clock.now())}
        assert told["org.returned"].startswith("10 ")

        linked = await rest.post("returned-members/link")

        assert {userid.lower() for userid in linked["userids"]} == set(userids)
        assert {userid: (await world.person(userid)).id for userid in userids} == former
        assert (await rest.get("returned-members"))["items"] == []
        async with transaction(world.sessions) as session:
            events = (
                await session.scalars(select(PublishedEvent).where(col(PublishedEvent.type) == "userid.linked"))
            ).all()
            told = {one.what: one.detail for one in await find_degraded(session, now=world.clock.now())}
        assert len(events) == 10
        assert "org.returned" not in told
        assert (await world.sync()).counts["people"] == {}

    async def test_whoever_has_another_name_or_place_is_decided_alone(self, world: World, rest: Rest) -> None:
        """A userid that was given to somebody else meanwhile is not linked with the others."""
        userids, former = await _mass_loss_and_back(world)
        other, moved = userids[0], userids[1]
        await world.sandbox.set_name(other, "另有其人")
        (elsewhere,) = [department for department in [4, 5] if department not in await _places(world, moved)][:1]
        await world.sandbox.set_fields(moved, department=[elsewhere])
        await world.sync()

        refused = await rest.post("returned-members/link", {"userids": userids}, expect=409)
        assert refused["type"].endswith("userid-review-not-open")
        linked = await rest.post("returned-members/link")

        assert {userid.lower() for userid in linked["userids"]} == set(userids[2:])
        assert (await world.person(other)).id != former[other]
        waiting = (await rest.get("returned-members"))["items"]
        assert {item["userid"].lower(): item["alike"] for item in waiting} == {other: False, moved: False}

    async def test_only_those_named(self, world: World, rest: Rest) -> None:
        userids, former = await _mass_loss_and_back(world)
        await world.sync()
        await rest.post("returned-members/link", {"userids": [userids[3].upper()]})
        assert (await world.person(userids[3])).id == former[userids[3]]
        assert len((await rest.get("returned-members"))["items"]) == 9


async def _places(world: World, userid: str) -> list[int]:
    there = next(row for row in await world.sandbox.people() if row["userid"].lower() == userid)
    return list(there["department"])
